"""What a plan says of fields and their values, in words."""

from __future__ import annotations

from kartoteka.model.field import Field


def lost(name: str, count: int, values: int) -> str:
    """Return the warning that values of a field become empty."""
    return (
        f"{count:,} of {values:,} values {'does' if count == 1 else 'do'} not convert and "
        f"{'becomes' if count == 1 else 'become'} empty; the originals are kept until "
        f"`kartoteka purge {name}`"
    )


def unfitting(count: int) -> str:
    """Return the warning that values stay which a field no longer takes."""
    if count == 1:
        return "1 value does not fit; it stays, and its record cannot be saved until it is mended"
    return (
        f"{count:,} values do not fit; they stay, and their records cannot be saved until they "
        "are mended"
    )


def missing(count: int) -> str:
    """Return the warning that records lack a value that they must have."""
    if count == 1:
        return "1 record has no value; it cannot be saved until it gets one"
    return f"{count:,} records have no value; they cannot be saved until they get one"


def without_label(count: int) -> str:
    """Return the warning that records hold options that are gone."""
    if count == 1:
        return "1 record holds it; it keeps the number, which shows without a label"
    return f"{count:,} records hold it; they keep the number, which shows without a label"


def kind_of(field: Field) -> str:
    """Return a field's type in words, with what decides how it is stored."""
    if field.type == "text" and field.max_length:
        return f"text of {field.max_length:,} characters"
    if field.is_lookup and field.targets:
        return f"{field.type} to {', '.join(field.targets[:3])}"
    if field.type in ("decimal", "money") and field.precision is not None:
        return f"{field.type} with {field.precision} places"
    return field.type.replace("_", " ")
