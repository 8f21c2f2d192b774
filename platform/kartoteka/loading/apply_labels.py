"""Labels documents onto the tree: each text is one more layer of the object it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.load_bundle import Document
from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.named_lists import identity_of
from kartoteka.loading.positioned import Mark, YamlMap
from kartoteka.names import did_you_mean

# Sections of an entity's texts: which list they are about and which label they set.
_ENTITY_LISTS = {
    "fields": ("fields", "label"),
    "field_help": ("fields", "help"),
    "keys": ("keys", "label"),
    "states": ("states", "label"),
    "commands": ("commands", "label"),
    "command_help": ("commands", "help"),
    "command_confirm": ("commands", "confirm"),
}
_OWN_TEXTS = frozenset({"label", "plural_label", "help", "left_label", "right_label"})


def read_messages(tree: MetadataTree) -> YamlMap:
    """Return ``{key: {language: text}}`` of all labels documents, later layers over earlier."""
    messages = YamlMap()
    for document in tree.labels:
        language = document.content.get("language")
        found = document.content.get("messages")
        if isinstance(language, str) and isinstance(found, YamlMap):
            for key, text in found.items():
                mark = found.value_marks[key]
                if key not in messages:
                    messages.put(key, YamlMap(mark), key_mark=found.key_marks[key], value_mark=mark)
                _set_text(tree, messages[key], language, text, mark)
    return messages


def apply_group_labels(tree: MetadataTree, diagnostics: Diagnostics) -> None:
    """Apply the texts of field groups, which entities then take over with the fields."""
    for document in tree.labels:
        _Texts(tree, document, diagnostics).apply_to_groups()


def apply_labels(tree: MetadataTree, diagnostics: Diagnostics) -> None:
    """Apply all other texts; what they name must exist."""
    for document in tree.labels:
        _Texts(tree, document, diagnostics).apply()


def _set_text(tree: MetadataTree, label: YamlMap, language: str, text: str, mark: Mark) -> None:
    """Set one text unless a later layer has set it; either way its place is remembered."""
    if language in label:
        layer = tree.layer_of.get(mark.file, 0)
        if tree.layer_of.get(label.value_marks[language].file, 0) > layer:
            label.note_earlier(language, text, mark)
            return
    label.put_again(language, text, key_mark=mark, value_mark=mark)


class _Texts:
    """Applies one labels document."""

    def __init__(self, tree: MetadataTree, document: Document, diagnostics: Diagnostics) -> None:
        self._tree = tree
        self._content = document.content
        self._diagnostics = diagnostics
        language = document.content.get("language")
        self._language = language if isinstance(language, str) else ""

    def apply_to_groups(self) -> None:
        if not self._language:
            return
        for _, group, texts in self._objects("field_groups", "field_group"):
            self._set_all(texts, _by_name(group, "fields"), "label", "field", "of this group")

    def apply(self) -> None:
        if not self._language:
            return
        for name, entity, texts in self._objects("entities", "entity"):
            self._entity(name, entity, texts)
        for name, choice, texts in self._objects("choices", "choice"):
            self._own_texts(choice, texts)
            options = _by_name(choice, "options")
            self._set_all(_map(texts, "options"), options, "label", "option", f'of "{name}"')
        for _, relationship, texts in self._objects("relationships", "relationship"):
            self._own_texts(relationship, texts)
        for name, form, texts in self._objects("forms", "form"):
            self._form(name, form, texts)
        for name, area, texts in self._objects("navigation", "navigation"):
            self._own_texts(area, texts)
            groups = list(_items(area, "groups"))
            entries = [entry for group in groups for entry in _items(group, "entries")]
            of = f'of "{name}"'
            self._set_all(_map(texts, "groups"), _named(groups, "groups"), "label", "group", of)
            named = _named(entries, "entries")
            self._set_all(_map(texts, "entries"), named, "label", "entry", of)
        for name, rule, texts in self._objects("rules", "rule"):
            self._rule(name, rule, texts)
        for section, kind, key in (
            ("views", "view", "label"), ("roles", "role", "label"), ("role_help", "role", "help"),
            ("column_profiles", "column_profile", "label"),
            ("column_profile_help", "column_profile", "help"),
        ):  # fmt: skip
            known = self._tree.of_kind(kind)
            found = {name: [content] for name, content in known.items()}
            self._set_all(_map(self._content, section), found, key, kind, "", kind=kind)

    def _entity(self, name: str, entity: YamlMap, texts: YamlMap) -> None:
        self._own_texts(entity, texts)
        of = f'of "{name}"'
        fields = _by_name(entity, "fields")
        states = list(_items(entity, "states"))
        reasons = [reason for state in states for reason in _items(state, "reasons")]
        commands = _by_name(entity, "commands")
        for section, (listed, key) in _ENTITY_LISTS.items():
            named = fields if listed == "fields" else _by_name(entity, listed)
            self._set_all(_map(texts, section), named, key, listed.removesuffix("s"), of)
        self._set_all(_map(texts, "reasons"), _named(reasons, "reasons"), "label", "reason", of)
        options = _map(texts, "options")
        for field, found in self._each(options, fields, "field", of):
            self._options(field, found, _map(options, found.get("name", "")))
        for section, key in (
            ("parameters", "label"), ("parameter_help", "help"), ("parameter_options", ""),
        ):  # fmt: skip
            parameters = _map(texts, section)
            for command, found in self._each(parameters, commands, "command", of):
                self._parameters(command, found, _map(parameters, command), key)

    def _parameters(self, name: str, command: YamlMap, texts: YamlMap, key: str) -> None:
        """Set the label or help of a command's parameters, or, without ``key``, their options."""
        named, of = _by_name(command, "parameters"), f'of command "{name}"'
        if key:
            self._set_all(texts, named, key, "parameter", of)
            return
        for parameter, found in self._each(texts, named, "parameter", of):
            self._options(parameter, found, _map(texts, parameter))

    def _options(self, name: str, field: YamlMap, texts: YamlMap) -> None:
        if field.get("type") == "yes_no":
            known = {"true": "true_label", "false": "false_label"}
            for option, text in texts.items():
                if option in known:
                    self._set(field, known[option], text, texts.value_marks[option])
                else:
                    self._unknown(texts, option, "option", f'of "{name}"', known)
            return
        if "choice" in field:
            self._diagnostics.add(
                texts.mark.location(), "labels/shared-choice",
                f'"{name}" takes its options from the choice "{field["choice"]}"',
                "label them under choices",
            )  # fmt: skip
            return
        self._set_all(texts, _by_name(field, "options"), "label", "option", f'of "{name}"')

    def _form(self, name: str, form: YamlMap, texts: YamlMap) -> None:
        self._own_texts(form, texts)
        tabs = list(_items(form, "tabs"))
        sections = [section for tab in tabs for section in _items(tab, "sections")]
        controls = [control for section in sections for control in _items(section, "controls")]
        for listed, found in (("tabs", tabs), ("sections", sections), ("controls", controls)):
            self._set_all(
                _map(texts, listed), _named(found, listed), "label", listed.removesuffix("s"),
                f'of "{name}"',
            )  # fmt: skip

    def _rule(self, name: str, rule: YamlMap, texts: YamlMap) -> None:
        self._own_texts(rule, texts)
        branches = _items(rule, "branches")
        actions = [action for branch in branches for action in _items(branch, "then")]
        actions += _items(rule, "otherwise")
        for section, verb, key, noun in (
            ("messages", "error", "message", "error"),
            ("recommendations", "recommend", "label", "recommendation"),
            ("details", "recommend", "details", "recommendation"),
        ):
            named: dict[str, list[YamlMap]] = {}
            for action in actions:
                if isinstance(action.get(verb), str):
                    named.setdefault(action[verb], []).append(action)
            self._set_all(_map(texts, section), named, key, noun, f'of "{name}"')

    def _objects(self, section: str, kind: str) -> Iterator[tuple[str, YamlMap, YamlMap]]:
        """Yield name, content and texts of each object of a section that exists."""
        found = _map(self._content, section)
        known = self._tree.of_kind(kind)
        for name, texts in found.items():
            if name in known:
                yield name, known[name], texts
            elif (kind, name) not in self._tree.unreadable:
                self._unknown(found, name, kind.replace("_", " "), "", known)

    def _each(
        self, texts: YamlMap, named: dict[str, list[YamlMap]], noun: str, of: str
    ) -> Iterator[tuple[str, YamlMap]]:
        for name in texts:
            if name not in named:
                self._unknown(texts, name, noun, of, named)
            for item in named.get(name, ()):
                yield name, item

    def _set_all(
        self, texts: YamlMap, named: dict[str, list[YamlMap]], key: str, noun: str, of: str, *,
        kind: str = "",
    ) -> None:  # fmt: skip
        for name, text in texts.items():
            if name not in named and (kind, name) not in self._tree.unreadable:
                self._unknown(texts, name, noun, of, named)
            for item in named.get(name, ()):
                self._set(item, key, text, texts.value_marks[name])

    def _own_texts(self, content: YamlMap, texts: YamlMap) -> None:
        for key, text in texts.items():
            if key in _OWN_TEXTS:
                self._set(content, key, text, texts.value_marks[key])

    def _set(self, holder: YamlMap, key: str, text: str, mark: Mark) -> None:
        label = holder.get(key)
        if not isinstance(label, YamlMap):
            label = YamlMap(mark)
            holder.put(key, label, key_mark=mark, value_mark=mark)
        _set_text(self._tree, label, self._language, text, mark)

    def _unknown(self, texts: YamlMap, name: str, noun: str, of: str, known: Iterable[str]) -> None:
        self._diagnostics.add(
            texts.at_key(name), "labels/unknown-object",
            f'there is no {noun} "{name}" {of}'.rstrip(), did_you_mean(name, known),
        )  # fmt: skip


def _map(content: YamlMap, key: str) -> YamlMap:
    found = content.get(key)
    return found if isinstance(found, YamlMap) else YamlMap(content.mark)


def _items(content: YamlMap, key: str) -> Iterable[YamlMap]:
    found: Any = content.get(key)
    return [item for item in found if isinstance(item, YamlMap)] if found else ()


def _by_name(content: YamlMap, key: str) -> dict[str, list[YamlMap]]:
    return _named(_items(content, key), key)


def _named(items: Iterable[YamlMap], key: str) -> dict[str, list[YamlMap]]:
    """Return the items by what names them; a name may stand for several (a field placed twice)."""
    found: dict[str, list[YamlMap]] = {}
    for item in items:
        identity = identity_of(key, item)
        if identity is not None:
            found.setdefault(identity[1], []).append(item)
    return found
