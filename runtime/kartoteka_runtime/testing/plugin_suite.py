"""PluginSuite: what every plugin promises; ours and partners' test classes inherit it.

``class TestFleet(PluginSuite): plugin = fleet`` is a whole test module. Each test that needs a
database runs on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from kartoteka.assembly import assemble, load_bundle, load_bundles
from kartoteka.base_metadata import base_folder
from kartoteka.labels import missing_labels
from kartoteka.model.entity import Entity
from kartoteka.model.form import Control, Form
from kartoteka.plugin_api.discovery import discover_plugins, plugin_manager
from kartoteka.plugin_api.plugin import Plugin
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.access_tests.run_access_test import run_access_test
from kartoteka_runtime.app_folder import hooks_of
from kartoteka_runtime.publishing.publish import publish, refresh
from kartoteka_runtime.testing.running_app import RunningApp
from kartoteka_runtime.testing.sample_values import SampleRecords

StartApp = Callable[..., Awaitable[RunningApp]]

_UNRESOLVED = re.compile(r"\{(?:entity|entities|field):[^}]*\}")


class PluginSuite:
    """The tests that a plugin passes; a subclass names the plugin.

    What the plugin ``works_with`` must be installed too: most tests run with it and without.

    Attributes:
        plugin: The plugin, installed under its entry point.
        languages: Languages in which people meet no text of the plugin in another one.
    """

    plugin: ClassVar[Plugin]
    languages: ClassVar[tuple[str, ...]] = ("en",)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run tests without the plugins that this one works with, and with them if it names any."""
        if "companions" in metafunc.fixturenames:
            setups = dict.fromkeys([(), self.plugin.works_with])
            names = ["_".join(("with", *setup)) if setup else "alone" for setup in setups]
            metafunc.parametrize("companions", list(setups), ids=names)

    @pytest.fixture
    async def app(self, start_app: StartApp, companions: tuple[str, ...]) -> RunningApp:
        """Give a running app with the plugin, what it requires and its companions."""
        return await start_app(plugins=[*companions, self.plugin.name])

    def test_is_found_by_its_entry_point(self) -> None:
        """The installed plugin of this name is this one."""
        assert discover_plugins([self.plugin.name])[-1] is self.plugin

    def test_imports_the_platform_only(self) -> None:
        """No module of the plugin reaches into the runtime."""
        assert list(_runtime_imports(self.plugin.folder)) == []

    def test_its_metadata_has_no_mistakes(self, companions: tuple[str, ...]) -> None:
        """Base, required plugins and this one make a registry together."""
        registry = self._registry(companions)
        assert self.plugin.name in {bundle.name for bundle in registry.bundles}

    def test_its_panels_are_placed_on_forms(self) -> None:
        """With all that it works with, each panel stands on a form of its entity."""
        registry = self._registry(self.plugin.works_with)
        placed = {
            (control.panel, form.entity)
            for form in registry.forms.values()
            for control in _controls(form)
        }
        for panels in plugin_manager([self.plugin]).hook.panels():
            for panel in panels:
                assert (panel.name, panel.entity) in placed

    def test_people_meet_its_texts_in_every_language(self, companions: tuple[str, ...]) -> None:
        """No text that the client shows is missing in one of ``languages``."""
        folder = self.plugin.metadata_folder.resolve()
        missing = [
            f"{text.location}: {text.path} in {text.language}"
            for text in missing_labels(self._registry(companions), self.languages)
            if text.is_required and folder in Path(text.location.file).resolve().parents
        ]
        assert missing == []

    async def test_a_record_of_each_entity_can_be_created_and_opened(self, app: RunningApp) -> None:
        """Sample values are accepted; every form shows them with all parts, every command asks."""
        registry = app.registry
        samples = SampleRecords(registry, await app.records_as())
        async with app.client_as() as client:
            for entity in self._touched(registry):
                record = await samples.create(entity)
                for form in registry.forms_of[entity]:
                    await _open_form(client, form, record)
                for command in _offered_at_first(registry.entities[entity]):
                    await _open(client, f"/e/{entity}/{record.id}/command/{command}")

    async def test_every_view_and_empty_form_opens(self, app: RunningApp) -> None:
        """Lists and forms for new records answer, and no placeholder is left in a text."""
        registry = app.registry
        async with app.client_as() as client:
            for entity in self._touched(registry):
                for view in registry.views_of[entity]:
                    await _open(client, f"/e/{entity}", view=view.name)
                for form in registry.forms_of[entity]:
                    if form.type == "main":
                        await _open(client, f"/e/{entity}/new", form=form.name)
                    elif form.type == "quick_create":
                        await _open(client, f"/e/{entity}/new", quick="1")

    async def test_its_roles_do_what_its_access_tests_say(
        self, start_app: StartApp, companions: tuple[str, ...]
    ) -> None:
        """Each of the plugin's access tests holds, in an organization of its own."""
        for test in self._registry(companions).access_tests.values():
            if test.bundle == self.plugin.name:
                app = await start_app(plugins=[*companions, self.plugin.name])
                assert [str(one) for one in await run_access_test(app.parts, test)] == []

    async def test_publishing_again_changes_nothing(self, app: RunningApp) -> None:
        """The same metadata is the same publication."""
        published = await publish(app.parts.database, app.parts.app_folder.registry())
        assert published.changes == ()

    async def test_its_records_survive_its_removal(
        self, app: RunningApp, companions: tuple[str, ...]
    ) -> None:
        """Without the plugin its records are hidden; with it again they are as they were."""
        registry = app.registry
        records = await app.records_as()
        samples = SampleRecords(registry, records)
        own = [name for name, item in registry.entities.items() if item.bundle == self.plugin.name]
        stored = {
            reference: await records.read(*reference[:2])
            for reference in [await samples.create(entity) for entity in own]
        }
        await publish(app.parts.database, self._registry(companions, without_itself=True))
        await refresh(app.parts.database, app.parts.live_registry)
        async with app.client_as() as client:
            for entity in self._touched(registry):
                if entity in own:
                    assert (await client.get(f"/e/{entity}")).status_code == 404
                else:
                    await _open(client, f"/e/{entity}")
        await publish(app.parts.database, app.parts.app_folder.registry())
        await refresh(app.parts.database, app.parts.live_registry)
        for reference, values in stored.items():
            assert await records.read(*reference[:2]) == values

    def _registry(self, companions: Sequence[str], *, without_itself: bool = False) -> Registry:
        """Return the registry of base, required plugins, companions and, normally, this plugin."""
        plugins = [
            plugin
            for plugin in discover_plugins([*companions, self.plugin.name])
            if not (without_itself and plugin is self.plugin)
        ]
        hooks = hooks_of(plugins)
        return assemble(
            load_bundles([base_folder(), *(plugin.metadata_folder for plugin in plugins)]),
            command_handlers=frozenset(hooks.command_handlers),
            panels=frozenset(hooks.panels),
            languages=("en", "pl", "pt", "ro", "sl"),
        )

    def _touched(self, registry: Registry) -> list[str]:
        """Return the entities there that the plugin defines or adds fields, forms or views to."""
        found: dict[str, None] = {}
        for document in load_bundle(self.plugin.metadata_folder).documents:
            match document.kind:
                case "entity" if document.name in registry.entities:
                    found[document.name] = None
                case "form" if document.name in registry.forms:
                    found[registry.forms[document.name].entity] = None
                case "view" if document.name in registry.views:
                    found[registry.views[document.name].entity] = None
        return list(found)


async def _open_form(client: httpx.AsyncClient, form: Form, record: Reference) -> None:
    """Open a record in a form with each part that the form fetches beside it."""
    address = f"/e/{record.entity}/{record.id}"
    if form.type == "main":
        await _open(client, address, form=form.name)
    for control in _controls(form):
        for kind in ("subgrid", "quick_view", "panel"):
            name = getattr(control, kind)
            if name:
                await _open(client, f"{address}/part/{form.name}/{kind}/{name}")


async def _open(client: httpx.AsyncClient, address: str, **query: str) -> None:
    response = await client.get(address, params=query)
    assert response.status_code == 200, (str(response.url), response.text[:2000])
    assert _UNRESOLVED.search(response.text) is None, str(response.url)


def _offered_at_first(entity: Entity) -> Iterator[str]:
    """Yield the commands that a new record offers."""
    initial = entity.states[0].name if entity.states else ""
    for command in entity.commands:
        if not command.from_states or initial in command.from_states:
            yield command.name


def _controls(form: Form) -> Iterator[Control]:
    for tab in form.tabs:
        for section in tab.sections:
            yield from section.controls


def _runtime_imports(folder: Path) -> Iterator[str]:
    """Yield every import of the runtime below a plugin's folder, as ``file:line``."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=aliases, lineno=line):
                    modules = [alias.name for alias in aliases]
                case ast.ImportFrom(module=str(module), lineno=line):
                    modules = [module]
                case _:
                    continue
            if any(module.partition(".")[0] == "kartoteka_runtime" for module in modules):
                yield f"{path.relative_to(folder)}:{line}"
