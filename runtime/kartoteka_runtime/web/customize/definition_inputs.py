"""Which properties of an entity, a field, a form and a view can be changed in the browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kartoteka.access.securable import what_keeps_from_securing
from kartoteka.model.choice import Option
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required, Rollup
from kartoteka.model.field_types import FIELD_TYPES
from kartoteka.model.form import Form
from kartoteka.model.label import Label
from kartoteka.model.view import View
from kartoteka.registry import Registry
from kartoteka_runtime.web.customize.inputs import Input, InputGroup
from kartoteka_runtime.web.customize.origins import Origins, shown
from kartoteka_runtime.web.entity_model import Words

_DEFAULT_SHAPES = {
    "text": "text",
    "whole_number": "whole_default",
    "big_integer": "whole_default",
    "decimal": "decimal_default",
    "float": "decimal_default",
    "money": "decimal_default",
    "yes_no": "flag_default",
    "choice": "option_default",
}


@dataclass(frozen=True, slots=True)
class InputMaker:
    """Makes inputs for properties of one definition.

    ``words`` are the texts of the page; ``registry`` is what the files say.
    """

    registry: Registry
    words: Words
    of: tuple[str, str]
    origins: Origins

    def texts(self, label: str, value: Label, *path: str, lines: bool = False) -> Iterator[Input]:
        """Yield an input for each language of the app."""
        for language in self.registry.languages:
            yield Input(
                name=f"{'.'.join(path)}.{language}",
                label=label,
                shape="lines" if lines else "text",
                text=value.texts.get(language, ""),
                of=self.of,
                path=(*path, language),
                language=language,
                origins=self.origins.of(*path, language),
            )

    def one(
        self,
        shape: str,
        text: str,
        *path: str,
        options: Sequence[tuple[str, str]] = (),
    ) -> Input:
        """Return one input; what it is called is a message about the last step of its path."""
        return Input(
            name=".".join(path),
            label=self.words.message(f"customize.property.{path[-1]}"),
            shape=shape,
            text=text,
            of=self.of,
            path=path,
            help=self._help(path[-1]),
            options=tuple(options),
            origins=self.origins.of(*path),
        )

    def group(self, message: str, inputs: Iterator[Input] | Sequence[Input]) -> InputGroup:
        """Return inputs under a heading."""
        return InputGroup(self.words.message(message), tuple(inputs))

    def property_name(self, key: str) -> str:
        """Return what a property is called."""
        return self.words.message(f"customize.property.{key}")

    def _help(self, key: str) -> str:
        message = f"customize.help.{key}"
        text = self.words.message(message)
        return "" if text == message else text


def entity_groups(make: InputMaker, entity: Entity) -> tuple[InputGroup, ...]:
    """Return the inputs of an entity's own properties, states and commands."""
    groups = [
        make.group(
            "customize.group.labels", make.texts(make.property_name("label"), entity.label, "label")
        ),
        make.group(
            "customize.group.plural",
            make.texts(make.property_name("plural_label"), entity.plural_label, "plural_label"),
        ),
        make.group(
            "customize.group.help",
            make.texts(make.property_name("help"), entity.help, "help", lines=True),
        ),
        make.group(
            "customize.group.look",
            (make.one("text", entity.icon, "icon"), make.one("text", entity.color, "color")),
        ),
        make.group("customize.group.states", _states(make, entity)),
        make.group("customize.group.commands", _commands(make, entity)),
    ]
    return tuple(group for group in groups if group.inputs)


def _states(make: InputMaker, entity: Entity) -> Iterator[Input]:
    for state in entity.states:
        yield from make.texts(state.name, state.label, "states", state.name, "label")
        for reason in state.reasons:
            path = ("states", state.name, "reasons", reason.name, "label")
            yield from make.texts(f"{state.name} / {reason.name}", reason.label, *path)


def _commands(make: InputMaker, entity: Entity) -> Iterator[Input]:
    for command in entity.commands:
        yield from make.texts(command.name, command.label, "commands", command.name, "label")


def field_groups(
    make: InputMaker, item: Field, choice: InputMaker | None
) -> tuple[InputGroup, ...]:
    """Return the inputs of a field; ``choice`` makes those of the shared choice it takes."""
    path = ("fields", item.name)
    groups = [
        make.group(
            "customize.group.labels",
            make.texts(make.property_name("label"), item.label, *path, "label"),
        ),
        make.group(
            "customize.group.help",
            make.texts(make.property_name("help"), item.help, *path, "help", lines=True),
        ),
        make.group("customize.group.behavior", _behavior(make, item)),
        make.group("customize.group.options", _options(make, item, choice)),
    ]
    return tuple(group for group in groups if group.inputs)


def _behavior(make: InputMaker, item: Field) -> Iterator[Input]:
    path, message = ("fields", item.name), make.words.message
    keys = FIELD_TYPES[item.type].keys
    required = [(one.value, message(f"customize.required.{one.value}")) for one in Required]
    flags = [("true", message("form.true")), ("false", message("form.false"))]
    if not item.read_only:
        yield make.one("required", item.required.value, *path, "required", options=required)
    if "formula" in keys and (item.formula or not item.read_only):
        yield make.one("lines", item.formula, *path, "formula")
    if item.formula:
        yield make.one("flag", shown(item.stored), *path, "stored", options=flags)
    if item.rollup is not None:
        yield from _rollup(make, item.rollup, *path, "rollup")
    can_default = FIELD_TYPES[item.type].can_default and not item.is_calculated
    if can_default and item.type in _DEFAULT_SHAPES:
        options = _default_options(make, item)
        shape = _DEFAULT_SHAPES[item.type]
        yield make.one(shape, _default_text(item), *path, "default", options=options)
    if "max_length" in keys:
        yield make.one("number", str(item.max_length or ""), *path, "max_length")
    if "precision" in keys:
        text = "" if item.precision is None else str(item.precision)
        yield make.one("number", text, *path, "precision")
    yield make.one("flag", shown(item.searchable), *path, "searchable", options=flags)
    yield make.one("flag", shown(item.audited), *path, "audited", options=flags)
    entity = make.registry.entities.get(make.of[1])
    if entity is not None and not what_keeps_from_securing(make.registry, entity, item):
        yield make.one("flag", shown(item.secured), *path, "secured", options=flags)


def _rollup(make: InputMaker, rollup: Rollup, *path: str) -> Iterator[Input]:
    functions = [(name, name) for name in ("sum", "count", "min", "max", "avg")]
    yield make.one("text", rollup.over, *path, "over")
    yield make.one("choice", rollup.function, *path, "function", options=functions)
    yield make.one("text", rollup.field, *path, "field")
    yield make.one("lines", rollup.filter, *path, "filter")


def _default_text(item: Field) -> str:
    if item.type == "choice":
        return next((one.name for one in item.options if one.value == item.default), "")
    return shown(item.default)


def _default_options(make: InputMaker, item: Field) -> list[tuple[str, str]]:
    labels = make.words.labels
    none = [("", make.words.message("customize.no_default"))]
    if item.type == "yes_no":
        return [
            *none,
            ("true", make.words.message("form.true")),
            ("false", make.words.message("form.false")),
        ]
    if item.type == "choice":
        return [
            *none,
            *(
                (one.name, labels.text(one.label, make.words.language) or one.name)
                for one in item.options
            ),
        ]
    return []


def _options(make: InputMaker, item: Field, choice: InputMaker | None) -> Iterator[Input]:
    path = ("fields", item.name)
    if item.type == "yes_no":
        for option in item.options:
            yield from make.texts(option.name, option.label, *path, f"{option.name}_label")
    elif choice is not None:
        yield from _option_texts(choice, item.options)
    elif item.type in ("choice", "multi_choice"):
        yield from _option_texts(make, item.options, *path)


def _option_texts(make: InputMaker, options: Sequence[Option], *path: str) -> Iterator[Input]:
    for option in options:
        yield from make.texts(option.name, option.label, *path, "options", option.name, "label")


def form_groups(make: InputMaker, form: Form) -> tuple[InputGroup, ...]:
    """Return the inputs of a form's texts."""
    groups = [
        make.group(
            "customize.group.labels", make.texts(make.property_name("label"), form.label, "label")
        )
    ]
    texts: list[Input] = []
    for tab in form.tabs:
        path = ("tabs", tab.name)
        if tab.label:
            texts += make.texts(tab.name, tab.label, *path, "label")
        for section in tab.sections:
            if section.label:
                own = (*path, "sections", section.name, "label")
                texts += make.texts(f"{tab.name} / {section.name}", section.label, *own)
    groups.append(make.group("customize.group.headings", texts))
    return tuple(group for group in groups if group.inputs)


def view_groups(make: InputMaker, view: View) -> tuple[InputGroup, ...]:
    """Return the inputs of a view's texts, filter and order."""
    order = ", ".join(f"{key.field} desc" if key.descending else key.field for key in view.order)
    return (
        make.group(
            "customize.group.labels", make.texts(make.property_name("label"), view.label, "label")
        ),
        make.group(
            "customize.group.rows",
            (make.one("lines", view.filter, "filter"), make.one("names", order, "order")),
        ),
    )
