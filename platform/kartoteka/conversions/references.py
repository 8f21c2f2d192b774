"""Lookups of every type → one another and ids; ids ↔ text.

No text and no id becomes a lookup: nobody can promise that the record is there. Targets are
compared as they are called; a field of before names entities that were renamed meanwhile by their
new names, and so do the references of its values.
"""

from __future__ import annotations

import re

from kartoteka.conversions.conversion import Conversion, DoesNotConvert
from kartoteka.conversions.stored_form import stores_alike
from kartoteka.conversions.texts import ID_LENGTH, fitting
from kartoteka.model.field import Field
from kartoteka.record_values import Reference

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def lookup_to_lookup(before: Field, after: Field) -> Conversion:
    """Return the conversion that keeps references to entities that are still targets."""
    targets = frozenset(after.targets)

    def convert(value: Reference) -> Reference:
        if value.entity not in targets:
            raise DoesNotConvert("target_gone", entity=value.entity)
        return value

    if before.targets and targets.isdisjoint(before.targets):
        return Conversion("impossible", convert)
    if not targets.issuperset(before.targets):
        return Conversion("checked", convert)
    return Conversion("none" if stores_alike(before, after) else "widening", convert)


def lost_targets(before: Field, after: Field) -> tuple[str, ...]:
    """Return the entities that a lookup can no longer name though it stays a lookup."""
    if not (before.is_lookup and after.is_lookup):
        return ()
    return tuple(name for name in before.targets if name not in after.targets)


def lookup_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion into the id alone; what it names cannot be told from it afterwards."""
    fit = fitting(after)
    is_long_enough = (after.max_length or ID_LENGTH) >= ID_LENGTH
    return Conversion(
        "checked" if is_long_enough else "impossible", lambda value: fit(str(value.id))
    )


def lookup_to_id(before: Field, after: Field) -> Conversion:
    """Return the conversion into the id alone."""
    return Conversion("checked", lambda value: str(value.id))


def text_to_id(before: Field, after: Field) -> Conversion:
    """Return the conversion of UUIDs with hyphens, in any case."""

    def convert(value: str) -> str:
        text = value.strip().lower()
        if not _ID.fullmatch(text):
            raise DoesNotConvert("not_an_id", value=value)
        return text

    return Conversion("checked", convert)
