"""Inputs of a customize page: one property of one definition each, as text, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.errors import KartotekaError
from kartoteka_runtime.web.customize.origins import Origin
from kartoteka_runtime.web.form_posts import Post

ORIGINAL = "_original"


class NotUnderstood(KartotekaError):
    """A typed text is no value of its property; ``message`` is a message key."""

    def __init__(self, message: str) -> None:
        """Keep the message key."""
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Input:
    """One property; ``text`` is what the files say, or what was typed when that is shown again.

    ``shape`` is text, lines, number, decimal, flag, choice, names or default; ``of`` is the kind
    and name of the definition whose property ``path`` is. ``bad`` says what is wrong with it.
    """

    name: str
    label: str
    shape: str
    text: str
    of: tuple[str, str]
    path: tuple[str, ...]
    language: str = ""
    help: str = ""
    options: tuple[tuple[str, str], ...] = ()
    origins: tuple[Origin, ...] = ()
    bad: str = ""

    def edit(self, typed: str) -> Customization:
        """Return the edit that makes the property what was typed.

        Raises:
            NotUnderstood: The text is no value of this property.
        """
        return Customization(*self.of, self.path, value_of(self.shape, typed))


@dataclass(frozen=True, slots=True)
class InputGroup:
    """Inputs under one heading; ``is_table`` when there is one for each language of each line."""

    label: str
    inputs: tuple[Input, ...]


@dataclass(slots=True)
class Typed:
    """What was sent: texts by input, the edits they ask for, and what is wrong by input."""

    texts: dict[str, str] = field(default_factory=dict)
    edits: dict[str, Customization] = field(default_factory=dict)
    bad: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)


def read_inputs(post: Post, groups: Sequence[InputGroup]) -> Typed:
    """Return what was typed. What was not changed is no edit, whatever the files say by now."""
    original = post.mapping(ORIGINAL)
    typed = Typed()
    for one in all_inputs(groups):
        before = original.get(one.name)
        if before is None:
            continue
        text = post.text(one.name).strip()
        typed.texts[one.name] = text
        if text == before:
            typed.texts.pop(one.name)
            continue
        if one.text not in (before, text):
            typed.bad[one.name] = ("customize.changed_meanwhile", {"value": one.text})
            continue
        try:
            if text != one.text:
                typed.edits[one.name] = one.edit(text)
        except NotUnderstood as refused:
            typed.bad[one.name] = (refused.message, {"value": text[:80]})
    return typed


def all_inputs(groups: Sequence[InputGroup]) -> Iterator[Input]:
    """Yield the inputs of all groups."""
    for group in groups:
        yield from group.inputs


def filled(
    groups: Sequence[InputGroup], texts: Mapping[str, str], bad: Mapping[str, str]
) -> tuple[InputGroup, ...]:
    """Return the inputs with what was typed and what is wrong with it."""
    return tuple(
        replace(
            group,
            inputs=tuple(
                replace(one, text=texts.get(one.name, one.text), bad=bad.get(one.name, ""))
                for one in group.inputs
            ),
        )
        for group in groups
    )


def value_of(shape: str, text: str) -> Any:
    """Return the value that a text stands for in YAML; an empty one takes the property out.

    Raises:
        NotUnderstood: It stands for none.
    """
    if not text:
        return REMOVED
    match shape:
        case "number":
            return _whole(text)
        case "flag":
            return text == "true"
        case "required":
            return {"always": True, "no": False}.get(text, text)
        case "names":
            return [part.strip() for part in text.split(",") if part.strip()]
        case "whole_default":
            return _whole(text)
        case "decimal_default":
            return _decimal(text)
        case "flag_default":
            return text == "true"
    return text


def _whole(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 19):
        raise NotUnderstood("customize.not_a_number")
    return int(text)


def _decimal(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise NotUnderstood("customize.not_a_number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise NotUnderstood("customize.not_a_number")
    return value
