"""DefinitionChange: one property of one object that is not the same before and after."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Absent(Enum):
    """What stands for a member, a language or an object that is not there."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """One difference between two registries, at the deepest property that differs.

    Attributes:
        kind: As in documents: entity, choice, relationship, form, view, role, rule,
            navigation, messages, bundle, or app (languages and the like).
        name: The object's name after the change; of messages the key; "" for the app.
        path: Steps to the property: attributes of the model, and after the name of a list the
            name of a member (``("fields", "name", "label", "pl")``). Empty: the whole object is
            new or gone. A path that ends in a list's name and ``order`` tells of members that
            stay and change places.
        before: The value as ``kartoteka.registry_codec`` writes it; ABSENT when it was not there.
            Of a change of places the names in their order.
        after: Likewise.
        entity: The entity to tell it under; "" when it belongs to none.
        behind: Of a new member, the name of the one before it; "" when it comes first; None when
            places mean nothing.
    """

    kind: str
    name: str
    path: tuple[str, ...]
    before: Any
    after: Any
    entity: str = ""
    behind: str | None = None
