"""Form → FormModel: layout, labels and widgets put together, in one language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.model.field_types import widget_of
from kartoteka.model.form import Control, Form
from kartoteka_runtime.records.content_fields import NOTE
from kartoteka_runtime.records.guarded_content import size_text
from kartoteka_runtime.web.entity_model import (
    EntityModel,
    Words,
    code_options,
    entity_model,
    option_models,
)
from kartoteka_runtime.web.form_model import (
    ACTIVITIES,
    ControlModel,
    FormModel,
    SectionModel,
    TabModel,
)

_PARTY = "activityparty"

# The platform writes these itself; a form shows them.
_NEVER_EDITED = frozenset({"id", "state", "file", "image"})
_IMAGES = "image/jpeg,image/png,image/gif,image/webp,image/bmp,image/tiff"


def build_form_model(form: Form, words: Words, panel_labels: Mapping[str, str]) -> FormModel:
    """Return a form's model in the language of ``words``; panels bring their own labels."""
    return _Builder(form, words, panel_labels).build()


def field_control(entity: Entity | None, item: Field, words: Words) -> ControlModel:
    """Return the control of a field that is placed with its defaults."""
    widget = widget_of(item)
    options = option_models(entity, item, words) or code_options(widget, words)
    label = words.labels.text(item.label, words.language)
    return ControlModel(
        kind="field",
        name=item.name,
        label=label or item.name,
        help=words.labels.text(item.help, words.language),
        widget=widget,
        max_length=item.max_length or 0,
        is_editable=_may_be_edited(item),
        is_required=item.required in (Required.ALWAYS, Required.ON_FORM),
        is_recommended=item.required is Required.RECOMMENDED,
        is_primary=entity is not None and item.name == entity.primary_field,
        is_rollup=item.rollup is not None,
        is_secured=entity is not None and _is_secured(entity, item),
        options=options,
        targets=tuple(entity_model(target, words) for target in _targets(item, words)),
        has_colors=any(option.color or option.tone for option in options),
    )


def _targets(item: Field, words: Words) -> tuple[str, ...]:
    """Return the entities a lookup or party list may name; parties, what a stored party may."""
    if item.type != "party_list" or item.targets:
        return item.targets
    party = words.registry.entities.get(_PARTY)
    return party.field_by_name["partyid"].targets if party is not None else ()


def _is_secured(entity: Entity, item: Field) -> bool:
    is_own = entity.field_by_name.get(item.name) is item  # no parameter of a command
    return is_own and item.name in entity.secured_fields


def _may_be_edited(item: Field) -> bool:
    if item.read_only or item.joined_from or item.base_of or item.type == "autonumber":
        return False
    return widget_of(item) not in _NEVER_EDITED and item.type != "state"


def _limits(entity: Entity, item: Field, words: Words) -> str:
    """Return what a file may be; of a note's the organization says it, and may change it."""
    if entity.name == NOTE:
        return ""
    size = size_text((item.max_size_kb or 0) * 1024)
    if not item.allowed_extensions:
        return words.message("file.limit", size=size)
    extensions = ", ".join(item.allowed_extensions)
    return words.message("file.limit_kinds", size=size, extensions=extensions)


def _accept(item: Field) -> str:
    if item.type == "image":
        return _IMAGES
    return ",".join(f".{extension}" for extension in item.allowed_extensions)


class _Builder:
    """Builds one form; remembers which fields it has placed for editing."""

    def __init__(self, form: Form, words: Words, panel_labels: Mapping[str, str]) -> None:
        self.form = form
        self.panel_labels = panel_labels
        self.words = words
        self.entity = words.registry.entities[form.entity]
        self._edited: set[str] = set()

    def build(self) -> FormModel:
        form, words = self.form, self.words
        # Where the body edits a field, the header only shows it.
        tabs = tuple(
            TabModel(
                name=tab.name,
                label=words.labels.text(tab.label, words.language) or tab.name,
                columns=tab.columns,
                sections=tuple(
                    SectionModel(
                        name=section.name,
                        label=words.labels.text(section.label, words.language),
                        columns=section.columns,
                        controls=tuple(self._controls(section.controls, section.columns)),
                    )
                    for section in tab.sections
                ),
            )
            for tab in form.tabs
        )
        header = tuple(self._field(Control(field=name)) for name in form.header)
        body = (c for tab in tabs for section in tab.sections for c in section.controls)
        return FormModel(
            name=form.name,
            type=form.type,
            label=words.labels.text(form.label, words.language) or form.name,
            entity=entity_model(form.entity, words),
            header=header,
            tabs=tabs,
            fields=tuple(control for control in (*header, *body) if control.kind == "field"),
        )

    def _controls(self, controls: tuple[Control, ...], columns: int) -> Iterator[ControlModel]:
        for control in controls:
            if control.field:
                yield self._field(control)
            else:
                yield replace(self._part(control), width=max(control.width, columns))

    def _field(self, control: Control) -> ControlModel:
        item = self.entity.field_by_name[control.field]
        made = field_control(self.entity, item, self.words)
        is_editable = (
            made.is_editable
            and not control.read_only
            and item.name not in self._edited
            and self.form.type != "quick_view"
        )
        if is_editable:
            self._edited.add(item.name)
        takes_files = (
            item.is_file
            and not (item.read_only or control.read_only)
            and item.name not in self._edited
            and self.form.type == "main"
        )
        if takes_files:
            self._edited.add(item.name)
        label = self.words.labels.text(control.label, self.words.language)
        return replace(
            made,
            label=label or made.label,
            width=control.width,
            rows=control.rows,
            is_editable=is_editable,
            takes_files=takes_files,
            limits=_limits(self.entity, item, self.words) if takes_files else "",
            accept=_accept(item) if takes_files else "",
        )

    def _part(self, control: Control) -> ControlModel:
        """Return the model of what is fetched beside the record: subgrid, quick view, panel."""
        words = self.words
        label = words.labels.text(control.label, words.language)
        if control.subgrid:
            return self._subgrid(control, label)
        if control.quick_view:
            item = self.entity.field_by_name[control.quick_view]
            own = words.labels.text(item.label, words.language)
            return ControlModel("quick_view", control.quick_view, label or own)
        own = self.panel_labels.get(control.panel, control.panel)
        return ControlModel("panel", control.panel, label or own)

    def _subgrid(self, control: Control, label: str) -> ControlModel:
        words = self.words
        target = entity_model(control.entity, words)
        return ControlModel(
            "subgrid",
            control.subgrid,
            label or target.plural,
            entity=target,
            by=control.by,
            relationship=control.relationship,
            creatable=creatable_entities(control.entity, words) if control.by else (),
        )


def creatable_entities(name: str, words: Words) -> tuple[EntityModel, ...]:
    """Return what may be created in a list of an entity: itself, or each kind of activity."""
    entities = words.registry.entities
    names = [name]
    if name == ACTIVITIES:
        names = [other.name for other in entities.values() if other.is_activity]
    return tuple(
        entity_model(found, words)
        for found in names
        if words.registry.form_of_type(found, "main") is not None
    )
