"""Rules about one field: its type, what the type knows, limits, options and the default."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kartoteka.checks.default_checks import check_default
from kartoteka.checks.entity_checks import can_be_key
from kartoteka.checks.number_format_checks import check_number_format
from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in
from kartoteka.location import Location
from kartoteka.model.entity import Entity
from kartoteka.model.field import FILE_MARKS, Field
from kartoteka.model.field_types import (
    COMMON_KEYS,
    FIELD_TYPES,
    FILE_MARK_TYPES,
    MAX_PRECISION,
    MOST_SIZE_KB,
    NUMBER_LIMITS,
    max_length_limit,
)
from kartoteka.names import CONDITION_WORDS, PLATFORM_FIELDS, did_you_mean

_PARAMETER_TYPES_REFUSED = frozenset(
    {"autonumber", "file", "image", "party_list", "state", "status", "unique_id"}
)


@dataclass(frozen=True, slots=True)
class _Subject:
    """One field with its map; ``entity`` is the one whose fields it may name."""

    scope: Scope
    entity: Entity
    field: Field
    content: YamlMap

    def at(self, key: str) -> Location:
        return self.content.at(key)


def check_fields(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with single fields of an entity and parameters of its commands."""
    entity = scope.registry.entities[name]
    content = scope.content("entity", name)
    for item in maps_in(content, "fields"):
        if "name" in item:
            field = entity.field_by_name[item["name"]]
            yield from _check_field(_Subject(scope, entity, field, item))
    for command in maps_in(content, "commands"):
        known = entity.command_by_name.get(command.get("name", ""))
        parameters = {item.name: item for item in known.parameters} if known else {}
        for item in maps_in(command, "parameters"):
            if "name" in item:
                subject = _Subject(scope, entity, parameters[item["name"]], item)
                yield from _check_parameter(subject)


def _check_parameter(subject: _Subject) -> Iterator[Diagnostic]:
    for key in ("customizable", "mask", "renamed_from", "secured"):
        if key in subject.content:
            yield Diagnostic(
                subject.content.at_key(key), "field/not-a-parameter",
                f'a parameter has no "{key}": it is not stored', "leave it out",
            )  # fmt: skip
    if subject.field.type in _PARAMETER_TYPES_REFUSED:
        yield Diagnostic(
            subject.at("type"), "field/not-a-parameter",
            f"a parameter cannot be a {subject.field.type} field",
            "use a choice" if subject.field.type in ("state", "status") else "",
        )  # fmt: skip
        return
    yield from _check_field(subject)


def _check_field(subject: _Subject) -> Iterator[Diagnostic]:
    content = subject.content
    if "type" not in content:
        if "type" not in content.damaged:
            yield _without_type(subject)
        return
    if content["type"] not in FIELD_TYPES:
        hint = did_you_mean(content["type"], FIELD_TYPES)
        yield Diagnostic(
            subject.at("type"), "field/unknown-type",
            f'"{content["type"]}" is not a field type',
            hint or f"one of {', '.join(FIELD_TYPES)}",
        )  # fmt: skip
        return
    yield from _check_name(subject)
    if _types_below(subject):
        return  # the keys are those of the type that the field has
    yield from _check_keys(subject)
    for check in _CHECKS_OF_TYPE.get(subject.field.type, ()):
        yield from check(subject)
    yield from _check_unique(subject)
    if "default" in content and not subject.scope.is_doubtful(content):
        yield from check_default(subject.field, subject.at("default"))


def _without_type(subject: _Subject) -> Diagnostic:
    content, entity, tree = subject.content, subject.entity, subject.scope.tree
    name = subject.field.name
    is_own = tree.bundle_at(content.mark, entity.bundle) == entity.bundle
    if is_own or entity.field_by_name.get(name) is not subject.field:
        return Diagnostic(
            content.mark.location(), "shape/missing-key", 'a field needs "type"',
            f"one of {', '.join(FIELD_TYPES)}",
        )  # fmt: skip
    others = {item.name: item for item in entity.fields if item.name != name}
    return Diagnostic(
        content.at("name"), "extension/unknown-item",
        f'there is no field "{name}" of "{entity.name}" to change',
        did_you_mean(name, others) or "to add one, give it a type",
    )  # fmt: skip


def _check_name(subject: _Subject) -> Iterator[Diagnostic]:
    field = subject.field
    if field.name in CONDITION_WORDS:
        yield Diagnostic(
            subject.at("name"), "field/reserved-name",
            f'a field cannot be called "{field.name}", which is a word of the condition language',
        )  # fmt: skip
    only = PLATFORM_FIELDS.get(field.name, field.type)
    if field.type != only and field.name != subject.entity.primary_id:
        yield Diagnostic(
            subject.at("type"), "field/reserved-name",
            f'"{field.name}" is a field of the platform and always of type {only}, '
            f"not {field.type}",
            "give your field another name",
        )  # fmt: skip
        return
    if before := _types_below(subject):
        yield Diagnostic(
            subject.at("type"), "field/type-changed",
            f'"{field.name}" is a {before[0]} field; its type cannot become {field.type}',
            "leave the type out, or add a field of another name",
        )  # fmt: skip


def _types_below(subject: _Subject) -> list[object]:
    """Return the other types that lower layers give the field."""
    earlier = subject.content.earlier.get("type", ())
    return [value for _, value in earlier if value != subject.field.type]


def _check_keys(subject: _Subject) -> Iterator[Diagnostic]:
    known = FIELD_TYPES[subject.field.type]
    for key in subject.content:
        if key not in COMMON_KEYS and key not in known.keys:
            own = ", ".join(sorted(known.keys)) or "no keys of its own"
            yield Diagnostic(
                subject.content.at_key(key), "field/key-not-for-type",
                f'"{key}" does not apply to a {known.name} field', f"it has {own}",
            )  # fmt: skip
    if "default" in subject.content and not known.can_default:
        yield Diagnostic(
            subject.content.at_key("default"), "field/key-not-for-type",
            f"a {known.name} field has no default",
        )  # fmt: skip


def _check_unique(subject: _Subject) -> Iterator[Diagnostic]:
    if subject.field.unique and not can_be_key(subject.field):
        yield Diagnostic(
            subject.at("unique"), "field/cannot-be-unique",
            f"a {subject.field.type} field of this kind cannot be unique",
        )  # fmt: skip


def _check_length(subject: _Subject) -> Iterator[Diagnostic]:
    field = subject.field
    limit = max_length_limit(field.type, field.format)
    if field.max_length is not None and field.max_length > limit:
        hint = (
            ""
            if field.format == "multi_line" or field.type != "text"
            else ("longer texts have format: multi_line")
        )
        yield Diagnostic(
            subject.at("max_length"), "field/max-length",
            f"max_length is {field.max_length}; at most {limit} characters are possible", hint,
        )  # fmt: skip


def _check_format(subject: _Subject) -> Iterator[Diagnostic]:
    formats = FIELD_TYPES[subject.field.type].formats
    if subject.field.format not in formats:
        yield Diagnostic(
            subject.at("format"), "field/unknown-format",
            f'a {subject.field.type} field has no format "{subject.field.format}"',
            did_you_mean(subject.field.format, formats) or f"one of {', '.join(formats)}",
        )  # fmt: skip


def _check_joined(subject: _Subject) -> Iterator[Diagnostic]:
    for name in subject.field.joined_from:
        place = subject.content["joined_from"].at(subject.field.joined_from.index(name))
        other = subject.entity.field_by_name.get(name)
        if other is None:
            yield from subject.scope.unknown_field(
                subject.entity, name, place, "field/unknown-field"
            )
        elif other.type not in ("text", "autonumber") or other.joined_from:
            yield Diagnostic(
                place, "field/joined-from",
                f'"{name}" cannot be joined into a text: only plain text fields can',
            )  # fmt: skip


def _check_range(subject: _Subject) -> Iterator[Diagnostic]:
    field = subject.field
    low, high = NUMBER_LIMITS[field.type]
    for key, value in (("min", field.min), ("max", field.max)):
        if key not in subject.content or value is None:
            continue
        if not low <= value <= high:
            yield Diagnostic(
                subject.at(key), "field/out-of-limits",
                f"{key} is {value}; a {field.type} field holds {low} to {high}",
            )  # fmt: skip
        elif field.type in ("whole_number", "big_integer") and value != value.to_integral_value():
            yield Diagnostic(
                subject.at(key), "field/out-of-limits", f"{key} is {value}, not a whole number"
            )
    if field.min is not None and field.max is not None and field.min > field.max:
        key = "max" if "max" in subject.content else "min"
        yield Diagnostic(
            subject.at(key), "field/min-above-max",
            f"min ({field.min}) is above max ({field.max})",
        )  # fmt: skip


def _check_precision(subject: _Subject) -> Iterator[Diagnostic]:
    limit = MAX_PRECISION[subject.field.type]
    if subject.field.precision is not None and subject.field.precision > limit:
        yield Diagnostic(
            subject.at("precision"), "field/precision",
            f"precision is {subject.field.precision}; a {subject.field.type} field has at most "
            f"{limit} decimal places",
        )  # fmt: skip


def _check_base_of(subject: _Subject) -> Iterator[Diagnostic]:
    name = subject.field.base_of
    if not name:
        return
    other = subject.entity.field_by_name.get(name)
    if other is None:
        yield from subject.scope.unknown_field(
            subject.entity, name, subject.at("base_of"), "field/unknown-field"
        )
    elif other.type != "money" or other.base_of:
        yield Diagnostic(
            subject.at("base_of"), "field/base-of",
            f'base_of must name a money field in the currency of the record, not "{name}"',
        )  # fmt: skip


def _check_options(subject: _Subject) -> Iterator[Diagnostic]:
    content, field = subject.content, subject.field
    if "choice" in content and "options" in content:
        yield Diagnostic(
            subject.at("choice"), "field/two-choices",
            f'"{field.name}" has options of its own and those of a choice', "keep one of the two",
        )  # fmt: skip
    elif "choice" in content:
        yield from subject.scope.unknown(
            "choice", content["choice"], subject.at("choice"), "field/unknown-choice"
        )
    elif not field.options and not content.damaged:
        yield Diagnostic(
            content.mark.location(), "field/no-options",
            f'"{field.name}" has no options', "list options, or name a shared choice",
        )  # fmt: skip
    if "options" in content:
        yield from check_option_values(content)


def check_option_values(content: YamlMap) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each option whose value an earlier one in the list has."""
    seen: dict[int, str] = {}
    for item in maps_in(content, "options"):
        yield from check_own_value(item, seen, "choice/duplicate-value", "option")


def check_own_value(
    item: YamlMap, seen: dict[int, str], code: str, noun: str
) -> Iterator[Diagnostic]:
    """Yield a diagnostic when an earlier item has the same value; ``seen`` holds whose it is."""
    if "value" not in item or "name" not in item:
        return
    other = seen.setdefault(item["value"], item["name"])
    if other != item["name"]:
        yield Diagnostic(
            item.at("value"), code,
            f'the value {item["value"]} is already that of the {noun} "{other}"',
        )  # fmt: skip


def _check_party_list(subject: _Subject) -> Iterator[Diagnostic]:
    if "participation" in subject.content and not subject.entity.is_activity:
        yield Diagnostic(
            subject.at("participation"), "field/party-list",
            f'only activities have parties; "{subject.entity.name}" is none',
        )  # fmt: skip


def _check_file(subject: _Subject) -> Iterator[Diagnostic]:
    field, content = subject.field, subject.content
    most = MOST_SIZE_KB[field.type]
    if field.max_size_kb is not None and field.max_size_kb > most:
        yield Diagnostic(
            content.at("max_size_kb"), "field/file-size",
            f"{_article(field.type)} has at most {most:,} kilobytes",
        )  # fmt: skip
    if content.get("required") is True:
        yield Diagnostic(
            content.at("required"), "field/file-required",
            f'"{field.name}" can be filled only once the record is there',
            "leave required out, or say recommended",
        )  # fmt: skip
    for suffix in FILE_MARKS[field.type]:
        name, wanted = f"{field.name}{suffix}", FILE_MARK_TYPES[suffix]
        declared = subject.entity.field_by_name.get(name)
        if declared is not None and declared.type != wanted:
            yield Diagnostic(
                content.at("name"), "field/file-mark",
                f'the platform keeps in "{name}" what belongs to "{field.name}", and needs a '
                f"{wanted} field; there is one of type {declared.type}",
                "give one of the two another name",
            )  # fmt: skip


def _article(field_type: str) -> str:
    return "an image" if field_type == "image" else "a file"


def _check_state(subject: _Subject) -> Iterator[Diagnostic]:
    if not subject.entity.states:
        yield Diagnostic(
            subject.at("type"), "field/no-states",
            f'"{subject.entity.name}" has no states that "{subject.field.name}" could hold',
        )  # fmt: skip


def _check_number_format(subject: _Subject) -> Iterator[Diagnostic]:
    if "number_format" in subject.content:
        yield from check_number_format(subject.field, subject.content.value_marks["number_format"])
    elif "number_format" not in subject.content.damaged:
        yield Diagnostic(
            subject.content.mark.location(), "shape/missing-key",
            'an autonumber field needs "number_format"', 'such as "CAS-{SEQNUM:5}"',
        )  # fmt: skip


_CHECKS_OF_TYPE: dict[str, tuple[Callable[[_Subject], Iterator[Diagnostic]], ...]] = {
    "text": (_check_length, _check_format, _check_joined),
    "autonumber": (_check_length, _check_number_format),
    "whole_number": (_check_range, _check_format),
    "big_integer": (_check_range,),
    "decimal": (_check_range, _check_precision),
    "float": (_check_range, _check_precision),
    "money": (_check_range, _check_precision, _check_base_of),
    "choice": (_check_options,),
    "multi_choice": (_check_options,),
    "file": (_check_file,),
    "image": (_check_file,),
    "party_list": (_check_party_list,),
    "state": (_check_state,),
    "status": (_check_state,),
}
