"""A form opened before a publish and sent after it: nothing typed is lost, nothing misread.

A form says under which publication it was made. What it sent goes to the fields as they are called
now; where a field is gone, or holds values of another type, the form is shown again with what was
typed, and what has no input any more is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson
from starlette.responses import Response

from kartoteka.errors import RecordNotFound, Violation
from kartoteka.model.field import Field
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.storage.database import SchemaMoved
from kartoteka_runtime.web.form_input import ORIGINAL
from kartoteka_runtime.web.form_posts import Post
from kartoteka_runtime.web.form_values import OF, PICK, REF, FormValues
from kartoteka_runtime.web.page_request import PageRequest

PUBLICATION = "_publication"
KEEP = "_keep."  # before a field's name: "mine" or "theirs"
_SUFFIXES = (REF, OF, PICK)


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """What a form sent, under the names of now, and why it has to be looked at again (if so)."""

    post: Post
    violations: tuple[Violation, ...] = ()


async def carry_over(
    page: PageRequest, post: Post, values: FormValues, *, is_new: bool
) -> CarriedOver:
    """Return a post as the form of now would have sent it.

    Raises:
        SchemaMoved: The form was made under a publication that this process does not know yet.
    """
    made_under = _made_under(page, post)
    if made_under is None:
        return CarriedOver(post)
    before = await page.client.earlier(made_under)
    reading = _Reading(page, before, post)
    kept: dict[str, tuple[str, ...]] = {}
    gone: dict[str, None] = {}
    for key, texts in post.values.items():
        name = _field_of(key)
        if not name:
            kept[key] = texts
            continue
        now = reading.name_now(name)
        if now in values.by_name and reading.is_alike(name, now):
            kept[_renamed(key, name, now)] = texts
        else:
            gone[name] = None
    if ORIGINAL in post.values:
        original = {reading.name_now(name): text for name, text in reading.original.items()}
        kept[ORIGINAL] = (orjson.dumps(original).decode(),)
    lost = [reading.lost(name) for name in gone if reading.has_typed(name)]
    missing = await _missing(page, Post(kept), values, is_new=is_new)
    if not lost and not missing:
        return CarriedOver(Post(kept))
    return CarriedOver(Post(kept), (Violation(None, "violation.form_changed"), *lost, *missing))


async def follow_entity(page: PageRequest) -> Response | None:
    """Let a form of an entity that was renamed go on; say what was typed when it is gone.

    Raises:
        RecordNotFound: There never was such an entity.
    """
    if page.entity_name in page.registry.entities:
        return None
    post = await page.post()
    made_under = _made_under(page, post)
    before = None if made_under is None else await page.client.earlier(made_under)
    if before is None or page.entity_name not in before.registry.entities:
        raise RecordNotFound(page.entity_name, "")
    now = _same_entity(before, page.entity_name, page.published)
    if now:
        page.entity_name = now
        return None
    reading = _Reading(page, before, post)
    names = dict.fromkeys(name for key in post.values if (name := _field_of(key)))
    return page.render(
        "pages/deleted.html",
        status=409,
        title=page.text("error.not_found"),
        explanation=page.text("form.entity_gone"),
        rows=[(reading.label(name), text) for name in names if (text := reading.text(name))],
        list_address="/",
    )


class _Reading:
    """What an earlier form sent, read with the definitions that it was made from."""

    def __init__(self, page: PageRequest, before: Published | None, post: Post) -> None:
        self.original = post.mapping(ORIGINAL)
        self._page = page
        self._before = before
        self._post = post
        self._entity = (
            "" if before is None else _same_entity(page.published, page.entity_name, before)
        )
        if before is not None and not self._entity and page.entity_name in before.registry.entities:
            self._entity = page.entity_name
        self._names = dict(self._renames())

    def name_now(self, name: str) -> str:
        """Return what the field is called now; "" when it is gone."""
        if self._field(name) is None:
            return name
        return self._names.get(name, "")

    def is_alike(self, name: str, now: str) -> bool:
        """Return whether what was typed means the same in the field of now."""
        old = self._field(name)
        new = self._page.entity.field_by_name[now]
        return old is None or (old.type, old.format, old.targets) == (
            new.type,
            new.format,
            new.targets,
        )

    def has_typed(self, name: str) -> bool:
        """Return whether the input of a field held something else than what it came with."""
        came, sent = self.original.get(name, ""), self._post.several(name)
        shown = "\n".join(line.partition("|")[2] or line for line in came.split("\n"))
        return bool(sent.strip()) and sent not in (came, shown)

    def label(self, name: str) -> str:
        """Return what the field was called for people."""
        if self._before is None or not self._entity:
            return name
        return self._before.labels.field(self._entity, name, self._page.language)

    def text(self, name: str) -> str:
        """Return what was typed, options by their labels."""
        item, sent = self._field(name), self._post.several(name)
        if self._before is None or item is None or not item.options:
            return sent
        labels = {
            str(option.value): self._before.labels.text(option.label, self._page.language)
            for option in item.options
        }
        return ", ".join(labels.get(part, part) for part in sent.split(",")) if sent else ""

    def lost(self, name: str) -> Violation:
        """Return the sentence that tells what was typed into a field that is gone."""
        params = {"label": self.label(name), "value": self.text(name)}
        return Violation(None, "violation.field_gone", params)

    def _field(self, name: str) -> Field | None:
        if self._before is None or not self._entity:
            return None
        return self._before.registry.entities[self._entity].field_by_name.get(name)

    def _renames(self) -> Iterator[tuple[str, str]]:
        """Yield each field's name then and now."""
        now = self._page.published
        if self._before is None or self._page.entity_name not in now.registry.entities:
            return
        entity = self._page.entity_name
        by_identity = {
            now.identities.of_field(entity, item.name): item.name
            for item in now.registry.entities[entity].fields
        }
        for item in self._before.registry.entities[self._entity].fields if self._entity else ():
            identity = self._before.identities.of_field(self._entity, item.name)
            if identity in by_identity:
                yield item.name, by_identity[identity]


def _made_under(page: PageRequest, post: Post) -> int | None:
    """Return the number of the earlier publication that a form was made under, or None."""
    if not post.has(PUBLICATION):
        return None
    number = post.number(PUBLICATION)
    if number > page.published.number:
        raise SchemaMoved(f"the form was made under publication {number}")
    return None if number == page.published.number else number


def _same_entity(one: Published, name: str, other: Published) -> str:
    """Return what the entity called ``name`` in ``one`` is called in ``other``; "" if nothing."""
    identity = one.identities.of("entity", name)
    names = other.registry.entities
    return next((n for n in names if other.identities.of("entity", n) == identity), "")


def _field_of(key: str) -> str:
    """Return the field whose input ``key`` is; "" for inputs of the form itself."""
    if key.startswith(KEEP):
        return key.removeprefix(KEEP)
    if key.startswith("_"):
        return ""
    return next((key.removesuffix(s) for s in _SUFFIXES if key.endswith(s)), key)


def _renamed(key: str, name: str, now: str) -> str:
    return f"{KEEP}{now}" if key.startswith(KEEP) else now + key.removeprefix(name)


async def _missing(
    page: PageRequest, post: Post, values: FormValues, *, is_new: bool
) -> list[Violation]:
    """Return the fields that the form of now insists on and the earlier one did not have."""
    original: Mapping[str, str] = post.mapping(ORIGINAL)
    names = [
        control.name
        for control in values.edited
        if control.is_required and not post.has(control.name) and control.name not in original
    ]
    if names and not is_new:
        stored = await page.records.read(page.entity_name, page.record_id)
        names = [name for name in names if stored.get(name) is None]
    return [Violation(name, "violation.required") for name in names]
