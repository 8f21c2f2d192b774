"""Reference: one mention of an object in a file, and the object it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kartoteka.loading.positioned import Mark
from kartoteka.location import Location


class ObjectName(NamedTuple):
    """What is named.

    ``kind`` is a document kind (``entity``, ``form`` …) or ``field``, ``state``, ``reason``,
    ``option``, ``key``, ``command``, ``parameter``, ``panel``, ``collection``. ``of`` is what a
    part belongs to: an entity, ``field_group:NAME``, of an option ``choice:NAME`` or
    ``ENTITY.FIELD``.
    """

    kind: str
    name: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name in a file; as written it is exactly ``target.name``.

    ``mark`` is where the scalar stands that holds it, ``offset`` how many characters of that
    scalar's value come before it. A definition is the place that gives the object its name.
    """

    target: ObjectName
    mark: Mark
    offset: int = 0
    is_definition: bool = False

    @property
    def location(self) -> Location:
        """Return where the name begins, or its scalar where that cannot be told."""
        return self.mark.inside(self.offset)
