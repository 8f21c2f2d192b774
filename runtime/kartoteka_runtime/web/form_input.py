"""FormInput: what someone typed into a form, read as record values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kartoteka.errors import Violation
from kartoteka.record_values import Party, Reference
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.validation.validate_record import RecordValidator
from kartoteka_runtime.web.form_model import ControlModel
from kartoteka_runtime.web.form_posts import Post, PostRefused
from kartoteka_runtime.web.form_values import (
    OF,
    PICK,
    REF,
    FormValues,
    is_same,
    read_reference,
)

ORIGINAL = "_original"
_MOST_CANDIDATES = 10


@dataclass(slots=True)
class FormInput:
    """What a form sent.

    ``texts`` is shown again when the form is; ``original`` is what the inputs held before;
    ``values`` are the changed fields as record values, ready for the record service.
    ``candidates`` are the records that a name typed into a lookup may mean.
    """

    version: int | None = None  # of the record that was shown; None for a new one
    texts: dict[str, str] = field(default_factory=dict)
    original: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    candidates: dict[str, list[Reference]] = field(default_factory=dict)


async def read_form_input(
    post: Post, form: FormValues, records: ActingRecords, *, is_new: bool
) -> FormInput:
    """Return what a form sent. Inputs that were not sent are unchanged.

    A new record takes every value on its form, whether it was typed or came filled in.

    Raises:
        PostRefused: A lookup or the originals are damaged.
    """
    read = FormInput(original=post.mapping(ORIGINAL))
    for control in form.edited:
        name = control.name
        if not _was_sent(post, control, read.original):
            continue
        text = _sent_text(post, control, read.texts)
        before = read.original.get(name, "")
        if is_same(control, text, before) and not (is_new and text):
            if control.is_required and not text:
                read.violations.append(Violation(name, "violation.required"))
            continue
        if not text.strip():
            read.values[name] = None
            if control.is_required:
                read.violations.append(Violation(name, "violation.required"))
        elif control.widget == "lookup":
            await _read_lookup(read, control, text, records)
        elif control.widget == "parties":
            await _read_parties(read, control, records)
        else:
            read.values[name] = form.readers[name](text.strip())
    return read


def complete_violations(read: FormInput, validator: RecordValidator) -> list[Violation]:
    """Return what is wrong with a form that cannot be saved: every field at once.

    The record service was not asked, since the form itself knows that something is missing.
    """
    _, found = validator.check_values(read.values, may_write_read_only=False)
    named = {violation.field for violation in read.violations}
    return [*read.violations, *(other for other in found if other.field not in named)]


def keep_stored(read: FormInput, names: set[str]) -> None:
    """Forget what was typed into fields whose stored value shall stay."""
    for name in names:
        read.values.pop(name, None)
        for key in (name, name + REF, name + OF):
            read.texts.pop(key, None)
    read.violations = [found for found in read.violations if found.field not in names]


def _was_sent(post: Post, control: ControlModel, original: Mapping[str, str]) -> bool:
    """Return whether the input was on the page; a browser leaves out boxes that are not ticked."""
    return post.has(control.name) or (control.widget == "multi_choice" and control.name in original)


def _sent_text(post: Post, control: ControlModel, texts: dict[str, str]) -> str:
    """Keep what was sent for a control and return the text that tells whether it changed."""
    name = control.name
    if control.widget == "multi_choice":
        texts[name] = post.several(name)
        return texts[name]
    texts[name] = post.text(name)
    if control.widget == "parties":
        texts[name + REF] = post.text(name + REF)
        return _party_text(texts, name)
    if control.widget != "lookup":
        return texts[name]
    texts[name + REF], texts[name + OF] = post.text(name + REF), post.text(name + OF)
    typed = texts[name].strip()
    if picked := post.text(name + PICK):
        return picked
    if typed and typed == texts[name + OF].strip():
        return texts[name + REF]
    texts[name + REF] = texts[name + OF] = ""
    return typed


def _party_text(texts: Mapping[str, str], name: str) -> str:
    """Return the chosen parties when nothing else was typed, so that they compare as unchanged."""
    known = [line.partition("|")[2] for line in texts[name + REF].split("\n") if line]
    typed = [line.strip() for line in texts[name].split("\n") if line.strip()]
    return texts[name + REF] if typed == known else texts[name]


async def _read_lookup(
    read: FormInput, control: ControlModel, text: str, records: ActingRecords
) -> None:
    targets = [target.name for target in control.targets]
    reference = read_reference(text)
    if reference is not None and reference.entity in targets:
        read.values[control.name] = reference
        return
    if read.texts[control.name + REF]:
        raise PostRefused(400, "error.bad_request", f"{control.name}: no reference")
    found = await find_by_name(records, targets, text)
    if len(found) == 1:
        read.values[control.name] = found[0]
        return
    code = "violation.ambiguous" if found else "violation.not_found"
    read.violations.append(Violation(control.name, code, {"value": text[:80]}))
    read.candidates[control.name] = found


async def _read_parties(read: FormInput, control: ControlModel, records: ActingRecords) -> None:
    name = control.name
    known: dict[str, Reference] = {}
    for line in read.texts[name + REF].split("\n"):
        reference = read_reference(line)
        if reference is not None:
            known[reference.name] = reference
    parties = []
    for line in read.texts[name].split("\n"):
        typed = line.strip()
        if not typed:
            continue
        if typed in known:
            parties.append(Party(known[typed]))
        elif "@" in typed:
            parties.append(Party(None, typed))
        else:
            found = await find_by_name(records, [t.name for t in control.targets], typed)
            if len(found) != 1:
                code = "violation.ambiguous" if found else "violation.not_found"
                read.violations.append(Violation(name, code, {"value": typed[:80]}))
                return
            parties.append(Party(found[0]))
    read.values[name] = tuple(parties) or None


async def find_by_name(records: ActingRecords, targets: list[str], text: str) -> list[Reference]:
    """Return the records that a typed name may mean; one alone when it is called exactly so.

    Of kinds that the reader may not see, there are none.
    """
    found: list[Reference] = []
    access = await records.access()
    for target in [target for target in targets if access.allows("read", target)]:
        found += await records.find(target, text, limit=_MOST_CANDIDATES)
    typed = text.casefold()
    exact = [reference for reference in found if reference.name.casefold() == typed]
    return exact or found[:_MOST_CANDIDATES]
