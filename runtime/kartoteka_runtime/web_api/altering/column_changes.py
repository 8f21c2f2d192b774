"""A whole column as it is wanted → the changes of its field; what is as it was changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.model.label import Label
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.column_types import column_type, kinds_of, present_value
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import Body, check_id, text_of
from kartoteka_runtime.web_api.altering.label_texts import text_changes
from kartoteka_runtime.web_api.altering.option_values import option_changes
from kartoteka_runtime.web_api.altering.primary_images import image_of_column
from kartoteka_runtime.web_api.altering.read_column import SAID_AS, ReadColumn, read_column
from kartoteka_runtime.web_api.altering.refusals import bad
from kartoteka_runtime.web_api.metadata_ids import ATTRIBUTE

# What another value would make another column of.
_FIXED = {"type": "type", "targets": "Targets"}


def column_changes(
    entity: Entity, field: Field, body: Body, ground: Ground
) -> Iterator[Customization]:
    """Yield what makes a field the wanted one.

    Raises:
        CallRefused: Something would have to change that cannot: its name, its type.
    """
    _check_names(entity, field, body)
    check_id(body, ground.ids.of(ATTRIBUTE, entity.name, field.name))
    kind = column_type(body)
    if kind not in kinds_of(field):
        was = "/".join(sorted(kinds_of(field)))
        raise bad(f"{entity.name}.{field.name} is a column of the type {was}; that cannot become "
                  f"{shorten(kind)}.")  # fmt: skip
    wanted = read_column(body, ground)
    path = ("fields", field.name)
    yield from _texts(entity, field, wanted, path, ground)
    for key, value in wanted.says.items():
        yield from _property(entity, field, key, value, path)
    if field.name != entity.primary_id:  # which is told as required, and needs nobody to insist
        yield from _required(entity, field, wanted.level, path)
    yield from _choices(entity, field, wanted, path, ground)
    yield from _default(entity, field, wanted, path)
    yield from image_of_column(entity, field, body)


def _check_names(entity: Entity, field: Field, body: Body) -> None:
    for name, present in (("LogicalName", field.name), ("SchemaName", field.name),
                          ("EntityLogicalName", entity.name)):  # fmt: skip
        said = text_of(body, name)
        if said and said.lower() != present:
            raise bad(f'{name} cannot change: it is "{present}", not "{shorten(said)}".')


def _texts(
    entity: Entity, field: Field, wanted: ReadColumn, path: tuple[str, ...], ground: Ground
) -> Iterator[Customization]:
    present: dict[str, Label] = {"label": field.label, "help": field.help}
    if field.type == "yes_no":
        present |= {f"{option.name}_label": option.label for option in field.options}
    for key, texts in wanted.texts.items():
        yield from text_changes("entity", entity.name, (*path, key), present[key], texts, ground)


def _property(
    entity: Entity, field: Field, key: str, value: Any, path: tuple[str, ...]
) -> Iterator[Customization]:
    present = present_value(field, key)
    if value == present or (key == "type" and _is_told_alike(field, value)):
        return
    if key == "behavior" and field.type == "date":
        return
    if key in _FIXED and not (key == "targets" and set(value) == set(present)):
        raise bad(f"{_FIXED[key]} of {entity.name}.{field.name} cannot change.")
    if key != "targets":
        yield Customization("entity", entity.name, (*path, key), value)


def _is_told_alike(field: Field, wanted: str) -> bool:
    """Return whether a definition of the wanted type is how the field is told as well."""
    if (field.is_lookup or field.type == "party_list") and wanted in ("lookup", "customer"):
        return True
    if field.type == "date_time" and field.behavior == "date_only":
        return wanted == "date"
    return field.type == "autonumber" and wanted == "text"


def _required(
    entity: Entity, field: Field, level: Required | None, path: tuple[str, ...]
) -> Iterator[Customization]:
    """Yield a change of who insists on a value; what insists on every way in may be told less."""
    told = {Required.ALWAYS: (Required.ALWAYS, Required.ON_FORM)}
    if level is None or level in told.get(field.required, (field.required,)):
        return
    yield Customization("entity", entity.name, (*path, "required"), SAID_AS[level])


def _choices(
    entity: Entity, field: Field, wanted: ReadColumn, path: tuple[str, ...], ground: Ground
) -> Iterator[Customization]:
    if wanted.choice and wanted.choice != field.choice:
        raise bad(f"The option set of {entity.name}.{field.name} cannot become another one.")
    if wanted.options is None or wanted.choice:
        return
    if field.choice:
        raise bad(f'{entity.name}.{field.name} has the options of "{field.choice}"; change those.')
    is_own = ground.is_own(ground.bundle_of(field, entity))
    yield from option_changes(
        "entity", entity.name, (*path, "options"), field.options, wanted.options, ground,
        is_own=is_own,
    )  # fmt: skip


def _default(
    entity: Entity, field: Field, wanted: ReadColumn, path: tuple[str, ...]
) -> Iterator[Customization]:
    if wanted.default is None:
        return
    if field.type == "yes_no":
        if bool(wanted.default) != bool(field.default):
            yield Customization("entity", entity.name, (*path, "default"), bool(wanted.default))
    elif field.type == "choice":
        present = -1 if field.default is None else field.default
        if wanted.default == present:
            return
        known = {option.value: option.name for option in field.options}
        if wanted.default != -1 and wanted.default not in known:
            raise bad(f"DefaultFormValue {wanted.default} is none of the options.")
        value: Any = REMOVED if wanted.default == -1 else known[wanted.default]
        yield Customization("entity", entity.name, (*path, "default"), value)
