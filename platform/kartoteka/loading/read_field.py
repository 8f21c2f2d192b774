"""A field's map → Field, with everything resolved that needs no rule: options, targets, limits."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in, read_former_names, read_label, read_names
from kartoteka.model.choice import Choice, Option
from kartoteka.model.entity import State, reason_options, state_options
from kartoteka.model.field import Cascade, Field, Mask, Required, Rollup
from kartoteka.model.field_types import (
    DEFAULT_MAX_LENGTH,
    DEFAULT_PRECISION,
    DEFAULT_SIZE_KB,
    FIELD_TYPES,
    NUMBER_LIMITS,
)

# Lookups whose targets are all entities with a feature.
TARGET_FEATURES = {"customer": "customer", "owner": "owner", "regarding": "activities"}

_REQUIRED = {
    True: Required.ALWAYS, False: Required.NO, "on_form": Required.ON_FORM,
    "recommended": Required.RECOMMENDED,
}  # fmt: skip
_PARENTAL = Cascade("cascade", "all", "all", "all", "all", "all")
_PLAIN = Cascade()
_FORMAT_DEFAULTS = {"text": "plain", "whole_number": "none"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a field takes from outside its own map.

    ``with_feature`` gives the entities that have a feature, in order; ``entities`` are all there
    are. ``states`` are those of the field's entity.
    """

    choices: Mapping[str, Choice]
    entities: Container[str]
    with_feature: Mapping[str, tuple[str, ...]]
    states: tuple[State, ...] = ()


def read_field(
    content: YamlMap, around: Surroundings, *, entity: str = "", bundle: str = ""
) -> Field:
    """Return the field that a map describes.

    Targets that do not exist are left out and a default that fits no option stays as written;
    ``checks`` report both.
    """
    get = content.get  # asked thirty times for each of many thousand fields
    field_type = get("type", "text")
    if field_type not in FIELD_TYPES:
        field_type = "text"
    options = read_field_options(content, field_type, around)
    low, high = NUMBER_LIMITS.get(field_type, (None, None))
    targets = _targets(content, field_type, around)
    keys = FIELD_TYPES[field_type].keys
    rollup = _rollup(content)
    return Field(
        name=content["name"],
        type=field_type,
        label=read_label(content),
        help=read_label(content, "help"),
        required=_REQUIRED[get("required", False)],
        unique=get("unique", False),
        default=_default(get("default"), field_type, options),
        read_only=get("read_only", False) or "formula" in content or rollup is not None,
        audited=get("audited", True),
        searchable=get("searchable", True),
        secured=get("secured", False),
        mask=_mask(content),
        max_length=get("max_length", DEFAULT_MAX_LENGTH) if "max_length" in keys else None,
        format=get("format", _FORMAT_DEFAULTS.get(field_type, "")),
        joined_from=read_names(content, "joined_from"),
        separator=get("separator", " "),
        number_format=get("number_format", ""),
        first_number=get("first_number", 1000),
        min=_decimal(get("min"), low) if "min" in keys else None,
        max=_decimal(get("max"), high) if "max" in keys else None,
        precision=(
            get("precision", DEFAULT_PRECISION[field_type]) if "precision" in keys else None
        ),
        precision_source=get("precision_source", "field"),
        base_of=get("base_of", ""),
        choice=get("choice", ""),
        options=options,
        behavior=get("behavior", "user_local") if field_type == "date_time" else "",
        targets=targets,
        target_feature=target_feature_of(content, field_type) if targets else "",
        cascade=_cascade(content) if field_type in _LOOKUPS else _PLAIN,
        hierarchical=get("hierarchical", False),
        relationship=_relationship(content, field_type, targets, entity),
        formula=get("formula", ""),
        stored=get("stored", False),
        rollup=rollup,
        max_size_kb=get("max_size_kb", DEFAULT_SIZE_KB.get(field_type)),
        allowed_extensions=tuple(
            name.lower() for name in read_names(content, "allowed_extensions")
        ),
        full_image=get("full_image", True),
        participation=get("participation"),
        schema_name=get("schema_name", ""),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )


def read_options(content: YamlMap) -> tuple[Option, ...]:
    """Return the options listed under ``options`` that have a name and a value."""
    return tuple(
        Option(item["value"], item["name"], read_label(item), item.get("color", ""))
        for item in maps_in(content, "options")
        if "name" in item and "value" in item
    )


def read_field_options(
    content: YamlMap, field_type: str, around: Surroundings
) -> tuple[Option, ...]:
    """Return a field's options, wherever they come from."""
    match field_type:
        case "choice" | "multi_choice":
            shared = around.choices.get(content.get("choice", ""))
            return shared.options if shared is not None else read_options(content)
        case "yes_no":
            return (
                Option(0, "false", read_label(content, "false_label")),
                Option(1, "true", read_label(content, "true_label")),
            )
        case "state":
            return state_options(around.states)
        case "status":
            return reason_options(around.states)
        case _:
            return ()


_LOOKUPS = frozenset({"lookup", *TARGET_FEATURES})


def target_feature_of(content: YamlMap, field_type: str) -> str:
    """Return the feature whose entities a lookup names; "" when its targets are listed."""
    if "target_feature" in content:
        return str(content["target_feature"])
    is_narrowed = "target" in content or "targets" in content
    return "" if is_narrowed else TARGET_FEATURES.get(field_type, "")


def _targets(content: YamlMap, field_type: str, around: Surroundings) -> tuple[str, ...]:
    if field_type not in _LOOKUPS:
        return ()
    target = (content["target"],) if "target" in content else ()
    named = (*target, *read_names(content, "targets"))
    featured = around.with_feature.get(target_feature_of(content, field_type), ())
    return tuple(name for name in dict.fromkeys((*named, *featured)) if name in around.entities)


def _cascade(content: YamlMap) -> Cascade:
    # A lookup that must have a value cannot be cleared, so what it names cannot just go.
    plain = Cascade(delete="restrict" if content.get("required") is True else "clear")
    preset = _PARENTAL if content.get("relation") == "parental" else plain
    return Cascade(
        delete=content.get("on_delete", preset.delete),
        assign=content.get("on_assign", preset.assign),
        share=content.get("on_share", preset.share),
        unshare=content.get("on_unshare", preset.unshare),
        reparent=content.get("on_reparent", preset.reparent),
        merge=content.get("on_merge", preset.merge),
    )


def _rollup(content: YamlMap) -> Rollup | None:
    said = content.get("rollup")
    if not isinstance(said, YamlMap):
        return None
    return Rollup(
        over=said.get("over", ""),
        function=said.get("function", ""),
        field=said.get("field", ""),
        filter=said.get("filter", ""),
        hierarchy=said.get("hierarchy", False),
    )


def _mask(content: YamlMap) -> Mask | None:
    said = content.get("mask")
    if not isinstance(said, YamlMap) or "pattern" not in said:
        return None
    return Mask(said["pattern"], said.get("character", "*"))


def _relationship(content: YamlMap, field_type: str, targets: tuple[str, ...], entity: str) -> str:
    if field_type not in _LOOKUPS or not entity:
        return ""
    target = targets[0] if len(targets) == 1 else TARGET_FEATURES.get(field_type, "")
    default = "_".join(part for part in (target, entity, content["name"]) if part)
    return str(content.get("relationship", default))


def default_relationship(field: Field, entity: str) -> str:
    """Return what a lookup's 1:N relationship is called when nobody says anything."""
    target = field.targets[0] if len(field.targets) == 1 else TARGET_FEATURES.get(field.type, "")
    return "_".join(part for part in (target, entity, field.name) if part)


def _default(value: Any, field_type: str, options: tuple[Option, ...]) -> Any:
    if field_type in ("choice", "multi_choice") and isinstance(value, str):
        return next((option.value for option in options if option.name == value), value)
    if field_type in ("decimal", "money") and type(value) is int:
        return Decimal(value)
    if field_type == "float" and isinstance(value, (int, Decimal)) and type(value) is not bool:
        return float(value)
    return value


def _decimal(value: Any, default: Decimal | None) -> Decimal | None:
    return Decimal(value) if value is not None else default
