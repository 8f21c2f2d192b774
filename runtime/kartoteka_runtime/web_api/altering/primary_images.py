"""Which Image column stands for the records of a table, as tables and columns in JSON say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.json_parts import Body, flag_of, text_of
from kartoteka_runtime.web_api.altering.refusals import bad

KEY = "primary_image"
_OF_TABLE, _OF_COLUMN = "PrimaryImageAttribute", "IsPrimaryImage"


def is_primary_image(body: Body, name: str, field_type: str) -> bool:
    """Return whether a new column shall stand for the records.

    Raises:
        CallRefused: It is no Image.
    """
    if not flag_of(body, _OF_COLUMN):
        return False
    if field_type != "image":
        raise bad(f'"{name}" cannot say {_OF_COLUMN}: it is not an Image.')
    return True


def first_image(body: Body, types: Mapping[str, Any], flagged: str) -> str:
    """Return what a new table says of the column that stands for its records; "" for nothing.

    ``types`` are those of its new columns, ``flagged`` the one that says it of itself.

    Raises:
        CallRefused: It names none of its Images, or another one than that.
    """
    said = text_of(body, _OF_TABLE).lower()
    if said and types.get(said) != "image":
        raise bad(f'{_OF_TABLE} cannot be "{shorten(said)}": that is none of its Images.')
    if said and flagged and said != flagged:
        raise bad(f'{_OF_TABLE} is "{said}", and "{flagged}" says {_OF_COLUMN}.')
    return said or flagged


def image_of_table(entity: Entity, body: Body) -> Iterator[Customization]:
    """Yield what lets another Image column stand for the records.

    Raises:
        CallRefused: It is no Image column of the table.
    """
    said = text_of(body, _OF_TABLE).lower()
    if not said or said == entity.picture:
        return
    field = entity.field_by_name.get(said)
    if field is None or field.type != "image":
        images = [item.name for item in entity.fields if item.type == "image"]
        known = f"it has {', '.join(images[:5])}" if images else "it has none"
        raise bad(f'{_OF_TABLE} cannot be "{shorten(said)}": that is no Image column of '
                  f"{entity.name}; {known}.")  # fmt: skip
    yield Customization("entity", entity.name, (KEY,), said)


def image_of_column(entity: Entity, field: Field, body: Body) -> Iterator[Customization]:
    """Yield what lets a column stand for the records, or stand for them no more.

    Who says no of what nobody chose says nothing: the only Image is the primary one.

    Raises:
        CallRefused: It is no Image.
    """
    if is_primary_image(body, field.name, field.type):
        if entity.picture != field.name:
            yield Customization("entity", entity.name, (KEY,), field.name)
    elif flag_of(body, _OF_COLUMN) is False and entity.primary_image == field.name:
        yield Customization("entity", entity.name, (KEY,), REMOVED)
