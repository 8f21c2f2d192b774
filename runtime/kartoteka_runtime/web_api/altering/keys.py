"""An alternate key in JSON → the key that metadata has of it."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.editing.customize import Customization
from kartoteka.model.entity import Entity
from kartoteka_runtime.web_api.altering.column_types import Says
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import Body, at_most, schema_name_of, texts_of
from kartoteka_runtime.web_api.altering.known_properties import KEY, check_known
from kartoteka_runtime.web_api.altering.label_texts import new_texts, read_texts
from kartoteka_runtime.web_api.altering.refusals import bad, taken

_MOST_FIELDS = 16


def new_key(entity: Entity, body: Body, ground: Ground) -> tuple[str, Iterator[Customization]]:
    """Return the name of a new key and what makes it.

    Raises:
        CallRefused: Its name is taken, or it names no columns of the table.
    """
    check_known(body, KEY)
    name, schema_name = schema_name_of(body, "a key")
    if any(key.name == name for key in entity.keys):
        raise taken(f"a key of {entity.name}", name)
    fields = [column.lower() for column in texts_of(body, "KeyAttributes")]
    at_most(fields, _MOST_FIELDS, "KeyAttributes")
    if not fields:
        raise bad("A key needs KeyAttributes: the columns whose values together name one record.")
    unknown = next((column for column in fields if column not in entity.field_by_name), "")
    if unknown:
        raise bad(f'KeyAttributes names "{unknown[:80]}", which {entity.name} does not have.')
    same = next((key.name for key in entity.keys if set(key.fields) == set(fields)), "")
    if same:
        raise taken(f"a key of {entity.name} with these columns", same)
    made: Says = {"name": name, "schema_name": schema_name, "fields": fields}
    if texts := new_texts(read_texts(body, "DisplayName", ground), ground):
        made["label"] = texts
    return name, iter([Customization("entity", entity.name, ("keys", name), made)])
