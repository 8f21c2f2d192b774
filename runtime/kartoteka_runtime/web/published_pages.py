"""PublishedPages: everything the pages of one publication are made of, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from kartoteka.model.field import Field
from kartoteka.model.form import Form
from kartoteka.plugin_api.contexts import Panel
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.web.action_model import ActionModel, build_actions
from kartoteka_runtime.web.build_form import build_form_model
from kartoteka_runtime.web.displayed_values import RowReader, row_function, show_function
from kartoteka_runtime.web.entity_model import (
    EntityModel,
    OptionModel,
    Words,
    entity_model,
    option_by_value,
    option_models,
)
from kartoteka_runtime.web.form_model import FormModel
from kartoteka_runtime.web.form_rules import FormRules, build_form_rules
from kartoteka_runtime.web.form_values import FormValues, money_kind
from kartoteka_runtime.web.list_model import ListModel, build_list_model, field_at
from kartoteka_runtime.web.navigation_model import NavigationModel, build_navigation
from kartoteka_runtime.web.page_compiler import PageCompiler
from kartoteka_runtime.web.static_files import StaticFiles
from kartoteka_runtime.web.theme import Theme

TEMPLATES = Path(__file__).parent / "templates"
_KEPT = 512  # forms and views with compiled values, each for one time zone


class PublishedPages:
    """Models, value functions and templates; each is made on first use and then kept."""

    def __init__(
        self,
        published: Published,
        language: str,
        *,
        static: StaticFiles,
        theme: Theme,
        app_label: str,
        panels: Mapping[str, Panel],
        is_dev: bool = False,
    ) -> None:
        """Serve ``published`` in ``language``, with the ``panels`` of plugins."""
        self.published = published
        self.registry = published.registry
        self.language = language
        self.words = Words(published.registry, published.labels, language)
        self.navigation: NavigationModel = build_navigation(self.words)
        self._panel_labels = {
            name: self.words.message(panel.label) for name, panel in panels.items()
        }
        self._theme = theme
        self.list_model = lru_cache(None)(self._list_model)
        self.form_model = lru_cache(None)(self._form_model)
        self.form_rules = lru_cache(None)(self._form_rules)
        self.entity_model = lru_cache(None)(self._entity_model)
        self.actions = lru_cache(None)(self._actions)
        self.options = lru_cache(None)(self._options)
        self.list_rows = lru_cache(_KEPT)(self._list_rows)
        self.form_values = lru_cache(_KEPT)(self._form_values)
        self.parameter_values = lru_cache(_KEPT)(self._parameter_values)
        self.templates = PageCompiler(
            jinja2.FileSystemLoader(TEMPLATES),
            facts={
                "view": lambda name: {"list": self.list_model(name)},
                "form": self._form_facts,
                "entity": lambda name: {"entity": self.entity_model(name)},
                "action": self._action_facts,
                "mode": lambda name: {"mode": name},
            },
            first={
                "t": self.words.message,
                "language": language,
                "languages": self._languages(),
                "app_label": app_label,
                "publication": published.number,
                "rules": None,  # those of a form come with it
                "navigation": self.navigation,
                "static": static.address,
                "scripts": [path for path in static.files if path.startswith("js/modules/")],
                "theme": theme.address,
                "icon": self.icon,
                "is_dev": is_dev,
            },
            second={"t": self.words.message},
            filters={"web_address": web_address},
        )

    def form(self, name: str) -> Form:
        """Return a form's definition."""
        return self.registry.forms[name]

    def field_label(self, entity: str, name: str) -> str:
        """Return a field's label; the name itself when the entity has no such field."""
        if name not in self.registry.entities[entity].field_by_name:
            return name
        return self.published.labels.field(entity, name, self.language)

    def _list_model(self, view: str) -> ListModel:
        return build_list_model(self.registry.views[view], self.words)

    def _form_model(self, form: str) -> FormModel:
        return build_form_model(self.registry.forms[form], self.words, self._panel_labels)

    def _form_rules(self, form: str) -> FormRules | None:
        return build_form_rules(self.registry.forms[form], self.form_model(form), self.words)

    def _entity_model(self, name: str) -> EntityModel:
        return entity_model(name, self.words)

    def _actions(self, entity: str) -> tuple[ActionModel, ...]:
        return build_actions(self.registry.entities[entity], self.words)

    def action(self, entity: str, path: str) -> ActionModel | None:
        """Return one action of an entity by its path, or None."""
        return next((action for action in self.actions(entity) if action.path == path), None)

    def _options(self, entity: str, field_type: str) -> Mapping[int, OptionModel]:
        """Return the entity's states (``state``) or reasons (``status``) by value."""
        definition = self.registry.entities[entity]
        item = next((found for found in definition.fields if found.type == field_type), None)
        return option_by_value(option_models(definition, item, self.words)) if item else {}

    def _list_rows(self, view: str, zone: tzinfo) -> RowReader:
        columns = []
        for column in self.list_model(view).columns:
            item, _ = field_at(column.path, self.registry.views[view].entity, self.registry)
            show = show_function(item, column.control, self.language, zone)
            columns.append((column.path, money_kind(item), show, column.control.is_secured))
        model = self.list_model(view)
        return row_function([(model.entity.primary_id, "", None, False), *columns])

    def _form_values(self, form: str, zone: tzinfo) -> FormValues:
        model = self.form_model(form)
        fields = self.registry.entities[model.entity.name].field_by_name
        return FormValues(model.fields, fields, self.language, zone)

    def _parameter_values(self, entity: str, path: str, zone: tzinfo) -> FormValues:
        action = self.action(entity, path)
        assert action is not None
        command = self.registry.entities[entity].command_by_name[path.partition("/")[2]]
        fields: Mapping[str, Field] = {item.name: item for item in command.parameters}
        return FormValues(action.controls, fields, self.language, zone)

    def _form_facts(self, name: str) -> Mapping[str, Any]:
        form = self.form_model(name)
        forms = [
            self.form_model(other.name)
            for other in self.registry.forms_of[form.entity.name]
            if other.type == "main"
        ]
        return {
            "form": form,
            "rules": self.form_rules(name),
            "entity": form.entity,
            "actions": self.actions(form.entity.name),
            "forms": forms,
        }

    def _action_facts(self, name: str) -> Mapping[str, Any]:
        entity, _, path = name.partition(".")
        return {"entity": self.entity_model(entity), "action": self.action(entity, path)}

    def _languages(self) -> list[tuple[str, str]]:
        return [(code, self.words.message(f"language.{code}")) for code in self.registry.languages]

    def icon(self, name: str, css_class: str = "") -> Markup:
        """Return an icon of the theme."""
        classes = f"k-icon {css_class}".strip()
        return Markup(  # noqa: S704 - names of icons are checked with the metadata
            '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
        ).format(classes, self._theme.address("icons.svg"), name)


def web_address(text: str) -> str:
    """Return the link of a web address that may have been typed without its scheme."""
    return text if text.startswith(("https://", "http://", "ftp://")) else f"https://{text}"
