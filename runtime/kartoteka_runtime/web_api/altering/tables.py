"""A table in JSON → the entity that metadata has of it, new or changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kartoteka.editing.customize import Customization
from kartoteka.model.entity import Entity
from kartoteka.names import plural_of
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.column_types import Says
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import (
    Body,
    at_most,
    check_id,
    flag_of,
    parts_of,
    schema_name_of,
    text_of,
    type_of,
)
from kartoteka_runtime.web_api.altering.known_properties import ENTITY, check_known
from kartoteka_runtime.web_api.altering.label_texts import (
    new_texts,
    read_texts,
    text_changes,
)
from kartoteka_runtime.web_api.altering.primary_images import (
    KEY,
    first_image,
    image_of_table,
    is_primary_image,
)
from kartoteka_runtime.web_api.altering.read_column import new_column
from kartoteka_runtime.web_api.altering.refusals import bad, taken
from kartoteka_runtime.web_api.metadata_ids import ENTITY as ENTITY_KIND
from kartoteka_runtime.web_api.operations.job_records import JOBS
from kartoteka_runtime.web_api.operations.message_filters import MESSAGE_FILTERS

_OWNERSHIPS = {
    "userowned": "user", "teamowned": "user", "organizationowned": "organization",
    "businessowned": "business_unit", "none": "none",
}  # fmt: skip
# Properties that say whether records can do something, and the feature of that.
FEATURES = {
    "HasActivities": "activities", "HasNotes": "notes", "IsAuditEnabled": "audit",
    "IsConnectionsEnabled": "connections", "IsValidForQueue": "queues",
    "IsQuickCreateEnabled": "quick_create", "IsDuplicateDetectionEnabled": "duplicate_detection",
    "ChangeTrackingEnabled": "change_tracking",
}  # fmt: skip
_TEXTS = {"label": "DisplayName", "plural_label": "DisplayCollectionName", "help": "Description"}
# How many are taken in one call.
MOST_TABLES, MOST_COLUMNS = 50, 1_000
# Addresses of the API that are no sets of records: nobody would reach a table behind them.
_NO_SETS = frozenset({JOBS, MESSAGE_FILTERS})
_SUBJECT = "subject"  # the name of every activity


def new_table(body: Body, ground: Ground) -> Iterator[Customization]:
    """Yield what makes a new table, its columns included.

    Raises:
        CallRefused: Its name is taken, it has no primary name, or a property cannot be.
    """
    check_known(body, ENTITY)
    if type_of(body) not in ("", "EntityMetadata"):
        raise bad(f"A table cannot be of the type {shorten(type_of(body))}.")
    name, schema_name = schema_name_of(body, "a table")
    if name in ground.registry.entities:
        raise taken("a table", name)
    made: Says = {"schema_name": schema_name}
    for key, place in _TEXTS.items():
        if texts := new_texts(read_texts(body, place, ground), ground):
            made[key] = texts
    made["set_name"] = _set_name(body, name, ground)
    made["ownership"] = _ownership(body) or "user"
    is_activity = flag_of(body, "IsActivity") is True
    if is_activity:
        made["activity"] = True
    made["features"] = _features(body)
    made["fields"], primary, made[KEY] = _columns(body, name, ground, is_activity=is_activity)
    made["primary_field"] = primary
    yield Customization("entity", name, (), {key: value for key, value in made.items() if value})


def new_tables(body: Body, ground: Ground) -> Iterator[Customization]:
    """Yield what makes the tables of ``CreateEntities``.

    Raises:
        CallRefused: One of them cannot be, or two have one name.
    """
    names: set[str] = set()
    for part in at_most(parts_of(body, "Entities"), MOST_TABLES, "Entities"):
        for change in new_table(part, ground):
            if change.name in names:
                raise taken("a table", change.name)
            names.add(change.name)
            yield change
    if not names:
        raise bad("CreateEntities needs Entities.")


def table_changes(entity: Entity, body: Body, ground: Ground) -> Iterator[Customization]:
    """Yield what makes a table the wanted one; its columns have definitions of their own.

    Raises:
        CallRefused: Something would have to change that cannot: names, whom records belong to.
    """
    check_known(body, ENTITY)
    check_id(body, ground.ids.of(ENTITY_KIND, entity.name))
    for place, present in (
        ("LogicalName", entity.name), ("SchemaName", entity.name),
        ("PrimaryIdAttribute", entity.primary_id), ("PrimaryNameAttribute", entity.primary_field),
    ):  # fmt: skip
        said = text_of(body, place)
        if said and said.lower() != present:
            raise bad(f'{place} cannot change: it is "{present}", not "{shorten(said)}".')
    is_activity = flag_of(body, "IsActivity")
    if is_activity is not None and is_activity != entity.is_activity:
        raise bad("IsActivity cannot change.")
    ownership = _ownership(body)
    if ownership and ownership != entity.ownership and "none" not in (ownership, entity.ownership):
        raise bad("OwnershipType cannot change.")
    present_texts = {
        "label": entity.label, "plural_label": entity.plural_label, "help": entity.help,
    }  # fmt: skip
    for key, place in _TEXTS.items():
        wanted = read_texts(body, place, ground)
        yield from text_changes("entity", entity.name, (key,), present_texts[key], wanted, ground)
    set_name = text_of(body, "EntitySetName")
    if set_name and set_name != entity.set_name:
        if set_name in _NO_SETS:
            raise taken("an entity set", set_name)
        yield Customization("entity", entity.name, ("set_name",), set_name)
    yield from image_of_table(entity, body)
    yield from _feature_changes(entity, body, ground)


def _set_name(body: Body, name: str, ground: Ground) -> str:
    said = text_of(body, "EntitySetName").lower()
    set_name = said or plural_of(name)
    if set_name in ground.registry.entity_by_set_name or set_name in _NO_SETS:
        raise taken("an entity set", set_name)
    return set_name


def _ownership(body: Body) -> str:
    said = text_of(body, "OwnershipType")
    found = _OWNERSHIPS.get(said.lower(), "")
    if said and not found:
        raise bad(f"OwnershipType cannot be {shorten(said)}; it is UserOwned or OrganizationOwned.")
    return found


def _features(body: Body) -> list[str]:
    return [feature for place, feature in FEATURES.items() if flag_of(body, place)]


def _columns(
    body: Body, entity: str, ground: Ground, *, is_activity: bool
) -> tuple[list[dict[str, Any]], str, str]:
    """Return the maps of new fields, and what are the name and the picture of the records."""
    fields: dict[str, Says] = {}
    primary = picture = ""
    for part in at_most(parts_of(body, "Attributes"), MOST_COLUMNS, "Attributes"):
        name, made, is_primary = new_column(part, ground)
        if name in fields or name == f"{entity}id":
            raise taken(f"a column of {entity}", name)
        if is_primary and primary:
            raise bad(f'Both "{primary}" and "{name}" say IsPrimaryName.')
        primary = name if is_primary else primary
        if is_primary_image(part, name, made["type"]):
            if picture:
                raise bad(f'Both "{picture}" and "{name}" say IsPrimaryImage.')
            picture = name
        fields[name] = made
    picture = first_image(body, {name: made["type"] for name, made in fields.items()}, picture)
    primary = primary or text_of(body, "PrimaryNameAttribute").lower()
    if is_activity:
        if primary not in ("", _SUBJECT):
            raise bad('The primary name of an activity is always "subject".')
        fields.pop(_SUBJECT, None)
        return list(fields.values()), _SUBJECT, picture
    if primary not in fields:
        raise bad("A table needs a column with IsPrimaryName: the name of its records.")
    if fields[primary]["type"] not in ("text", "autonumber"):
        raise bad(f'The primary name "{primary}" must be a String.')
    ordered = [fields.pop(primary), *fields.values()]
    return ordered, primary, picture


def _feature_changes(entity: Entity, body: Body, ground: Ground) -> Iterator[Customization]:
    said = {feature: flag_of(body, place) for place, feature in FEATURES.items()}
    on = {feature for feature, flag in said.items() if flag} - entity.features
    off = {feature for feature, flag in said.items() if flag is False} & entity.features
    if not on and not off:
        return
    is_own = ground.is_own(entity.bundle)
    if off and not is_own:
        place = next(place for place, feature in FEATURES.items() if feature in off)
        raise bad(f"{place} is decided by the bundle that {entity.name} comes with.")
    wanted = (entity.features | on) - off if is_own else on
    yield Customization("entity", entity.name, ("features",), sorted(wanted))
