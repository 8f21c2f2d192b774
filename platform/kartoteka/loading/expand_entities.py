"""What an entity has without saying so: fields of groups, default states, id and base amounts.

Works on the merged tree, before texts of other languages are applied, so that these reach what is
added here too.
"""

from __future__ import annotations

from kartoteka.loading.merge_documents import overlay
from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.positioned import DerivedMark, Mark, YamlList, YamlMap, copy_of
from kartoteka.loading.read_label import read_former_names
from kartoteka.model.field import (
    FILE_MARKS,
    FILE_NAME,
    IMAGE_ID,
    IMAGE_TIMESTAMP,
    IMAGE_URL,
    ROLLUP_DATE,
    ROLLUP_STATE,
    RollupState,
)
from kartoteka.model.field_types import FILE_MARK_TYPES, NUMBER_LIMITS

# What a field group's `applies_to` may say, in the order in which their fields follow.
GROUP_ORDER = (
    "activity", "owned", "business_owned", "organization_owned", "stateful", "money", "record",
)  # fmt: skip

# Messages that label what nobody writes down.
BASE_AMOUNT_MESSAGE = "format.base_amount"
ROLLUP_MESSAGES = {ROLLUP_DATE: "format.rollup_date", ROLLUP_STATE: "format.rollup_state"}
FILE_MESSAGES = {
    FILE_NAME: "format.file_name", IMAGE_ID: "format.image_id",
    IMAGE_TIMESTAMP: "format.image_timestamp", IMAGE_URL: "format.image_url",
}  # fmt: skip
STATE_MESSAGES = {"active": "state.active", "inactive": "state.inactive"}
YES_NO_MESSAGES = {"true_label": "form.true", "false_label": "form.false"}


def expand_entities(tree: MetadataTree, messages: YamlMap) -> None:
    """Complete every entity of the tree in place.

    Args:
        tree: After layering.
        messages: ``{key: {language: text}}``; label default states, yes/no and base amounts.
    """
    groups = tree.of_kind("field_group").values()
    has_states_group = any(group.get("applies_to") == "stateful" for group in groups)
    for name, entity in tree.of_kind("entity").items():
        fields = entity.get("fields")
        if not isinstance(fields, YamlList):
            fields = YamlList(entity.mark)
            entity.put("fields", fields, key_mark=entity.mark, value_mark=entity.mark)
        if has_states_group:
            _add_default_states(entity, messages)
        _add_group_fields(entity, fields, tree)
        _add_primary_id(name, entity, fields)
        _add_base_amounts(name, fields, messages)
        _add_rollup_marks(name, fields, messages)
        _add_file_marks(name, fields, messages)
        for item in fields:
            if item.get("type") == "yes_no":
                _add_yes_no_labels(item, messages)


def primary_id_of(name: str, entity: YamlMap) -> str:
    """Return the name of the field that holds an entity's id."""
    default = "activityid" if entity.get("activity") is True else f"{name}id"
    return str(entity.get("primary_id", default))


def is_stateful(entity: YamlMap) -> bool:
    """Return whether records of the entity have a state; ``states: []`` says they have not."""
    if "states" in entity:
        return bool(entity["states"])
    return str(entity.get("ownership", "user")) != "none"


def _add_group_fields(entity: YamlMap, fields: YamlList, tree: MetadataTree) -> None:
    own = {item["name"]: index for index, item in enumerate(fields) if "name" in item}
    taken: set[str] = set()
    for group in _groups_of(entity, fields, tree):
        for item in group.get("fields") or ():
            name = item.get("name")
            if name is None or name in taken:
                continue
            taken.add(name)
            added = copy_of(item)
            if name in own:
                overlay(added, fields[own[name]])
                added.mark = fields[own[name]].mark
                fields[own[name]] = added
            else:
                fields.add(added, added.mark)


def _groups_of(entity: YamlMap, fields: YamlList, tree: MetadataTree) -> list[YamlMap]:
    groups = tree.of_kind("field_group")
    found = [groups[name] for name in entity.get("includes") or () if name in groups]
    known = [*fields, *(item for group in found for item in group.get("fields") or ())]
    ownership = entity.get("ownership", "user")
    applies = {
        "activity": entity.get("activity") is True,
        "owned": ownership == "user",
        "business_owned": ownership == "business_unit",
        "organization_owned": ownership == "organization",
        "stateful": is_stateful(entity),
        "money": any(item.get("type") == "money" for item in known),
        "record": True,
    }
    for kind in GROUP_ORDER:
        if applies[kind]:
            found += [
                group for group in groups.values()
                if group.get("applies_to") == kind and not any(group is have for have in found)
            ]  # fmt: skip
    return found


def _add_default_states(entity: YamlMap, messages: YamlMap) -> None:
    if not is_stateful(entity) or "states" in entity or "states" in entity.damaged:
        return
    states = YamlList(entity.mark)
    for value, name in enumerate(("active", "inactive")):
        label = _message(messages, STATE_MESSAGES[name])
        reason = _map(entity.mark, name=name, value=value + 1)
        state = _map(entity.mark, name=name, value=value)
        if label is not None:
            _put(reason, "label", copy_of(label))
            _put(state, "label", label)
        if name == "inactive":
            _put(state, "read_only", True)
        reasons = YamlList(entity.mark)
        reasons.add(reason, entity.mark)
        _put(state, "reasons", reasons)
        states.add(state, entity.mark)
    _put(entity, "states", states)


def _add_primary_id(name: str, entity: YamlMap, fields: YamlList) -> None:
    primary_id = primary_id_of(name, entity)
    former = [] if primary_id != f"{name}id" else [
        f"{old}id" for old in read_former_names(entity)
    ]  # fmt: skip
    for item in fields:
        if item.get("name") == primary_id:
            _add_former_names(item, former, fields)
            return
    label = _map(entity.mark, **{
        language: f"{{entity:{name}}}" for language in entity.get("label") or {"en": ""}
    })  # fmt: skip
    added = _map(entity.mark, name=primary_id, type="unique_id", read_only=True, audited=False)
    _add_former_names(added, former, fields)
    _put(added, "label", label)
    fields.insert(0, added)
    fields.item_marks.insert(0, entity.mark)


def _add_base_amounts(name: str, fields: YamlList, messages: YamlMap) -> None:
    """Give each money field ``x`` its amount in base currency, the read-only field ``x_base``."""
    declared = {item.get("name"): item for item in fields}
    for item, mark in list(fields.marked()):
        if item.get("type") != "money" or "base_of" in item or "name" not in item:
            continue
        base_name = f"{item['name']}_base"
        former = [f"{old}_base" for old in read_former_names(item)]
        if base_name in declared:
            _add_former_names(declared[base_name], former, fields)
            continue
        added = _map(
            item.mark, name=base_name, type="money", read_only=True, audited=False,
            precision=item.get("precision", 2), precision_source="organization",
            base_of=item["name"], min=int(NUMBER_LIMITS["money"][0]),
            max=int(NUMBER_LIMITS["money"][1]),
        )  # fmt: skip
        if "formula" in item and "exchangerate" in declared:
            _put(added, "formula", f"{item['name']} divby exchangerate")
            _put(added, "stored", item.get("stored", False))
        _add_former_names(added, former, fields)
        _add_label_about(added, messages, BASE_AMOUNT_MESSAGE, name, item["name"])
        fields.add(added, mark)


def _add_rollup_marks(name: str, fields: YamlList, messages: YamlMap) -> None:
    """Give each rollup ``x`` the fields that say when it was worked out, and how that went."""
    declared = {item.get("name"): item for item in fields}
    for item, mark in list(fields.marked()):
        if not isinstance(item.get("rollup"), YamlMap) or "name" not in item:
            continue
        for suffix, field_type in ((ROLLUP_DATE, "date_time"), (ROLLUP_STATE, "whole_number")):
            mark_name = f"{item['name']}{suffix}"
            former = [f"{old}{suffix}" for old in read_former_names(item)]
            if mark_name in declared:
                _add_former_names(declared[mark_name], former, fields)
                continue
            added = _map(item.mark, name=mark_name, type=field_type, read_only=True, audited=False)
            if suffix == ROLLUP_STATE:
                _put(added, "min", min(RollupState))
                _put(added, "max", max(RollupState))
            _add_former_names(added, former, fields)
            _add_label_about(added, messages, ROLLUP_MESSAGES[suffix], name, item["name"])
            fields.add(added, mark)


def _add_file_marks(name: str, fields: YamlList, messages: YamlMap) -> None:
    """Give each file and image the fields that tell of what is stored."""
    declared = {item.get("name"): item for item in fields}
    for item, mark in list(fields.marked()):
        if "name" not in item:
            continue
        for suffix in FILE_MARKS.get(str(item.get("type")), ()):
            mark_name = f"{item['name']}{suffix}"
            former = [f"{old}{suffix}" for old in read_former_names(item)]
            if mark_name in declared:
                _add_former_names(declared[mark_name], former, fields)
                continue
            added = _map(
                item.mark, name=mark_name, type=FILE_MARK_TYPES[suffix], read_only=True,
                audited=False, searchable=suffix == FILE_NAME,
            )  # fmt: skip
            if FILE_MARK_TYPES[suffix] == "text":
                _put(added, "max_length", 255)
            _add_former_names(added, former, fields)
            _add_label_about(added, messages, FILE_MESSAGES[suffix], name, item["name"])
            fields.add(added, mark)


def _add_label_about(
    added: YamlMap, messages: YamlMap, message: str, entity: str, field: str
) -> None:
    """Label a field by a message that says ``{field}`` for the field it is about."""
    pattern = _message(messages, message)
    if pattern is not None:
        for language, text in pattern.items():
            pattern[language] = str(text).replace("{field}", f"{{field:{entity}.{field}}}")
        _put(added, "label", pattern)


def _add_former_names(item: YamlMap, former: list[str], fields: YamlList) -> None:
    """Let a field of the platform follow the rename of what it is named after."""
    taken = {field.get("name") for field in fields}
    names = [name for name in former if name not in taken]
    if not names or "renamed_from" in item:
        return
    mark = DerivedMark(*item.mark)
    listed = YamlList(mark)
    for name in names:
        listed.add(name, mark)
    _put(item, "renamed_from", listed)


def _add_yes_no_labels(item: YamlMap, messages: YamlMap) -> None:
    for key, message in YES_NO_MESSAGES.items():
        label = _message(messages, message)
        if key not in item and label is not None:
            _put(item, key, label)


def _message(messages: YamlMap, key: str) -> YamlMap | None:
    found = messages.get(key)
    return copy_of(found) if isinstance(found, YamlMap) else None


def _map(mark: Mark, /, **values: object) -> YamlMap:
    made = YamlMap(DerivedMark(*mark))
    for key, value in values.items():
        _put(made, key, value)
    return made


def _put(target: YamlMap, key: str, value: object) -> None:
    mark = value.mark if isinstance(value, (YamlMap, YamlList)) else target.mark
    target.put(key, value, key_mark=mark, value_mark=mark)
