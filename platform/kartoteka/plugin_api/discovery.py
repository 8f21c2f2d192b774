"""Plugins by their entry points: found, loaded and put in dependency order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points

import pluggy

from kartoteka.errors import PluginError
from kartoteka.names import did_you_mean
from kartoteka.plugin_api import hookspecs
from kartoteka.plugin_api.plugin import Plugin

ENTRY_POINT_GROUP = "kartoteka.plugins"


def discover_plugins(names: Sequence[str] | None = None) -> tuple[Plugin, ...]:
    """Return plugins, each after those it requires or works with, else in the order of ``names``.

    Args:
        names: Which plugins; what these require comes along. None: every installed one, by name.

    Raises:
        PluginError: One is not installed, cannot be loaded, bears another name than its entry
            point, or plugins wait for one another in a circle.
    """
    installed = _installed()
    loaded: dict[str, Plugin] = {}

    def load(name: str, wanted_by: str) -> None:
        if name in loaded:
            return
        if name not in installed:
            raise PluginError(_not_installed(name, wanted_by, installed))
        loaded[name] = load_plugin(installed[name])
        for needed in loaded[name].requires:
            load(needed, name)

    for name in sorted(installed) if names is None else names:
        load(name, "")
    return _in_order(loaded)


def load_plugin(entry_point: EntryPoint) -> Plugin:
    """Return the plugin that an entry point names.

    Raises:
        PluginError: It cannot be imported, or is not a plugin of that name.
    """
    name = entry_point.name
    try:
        plugin = entry_point.load()
    except Exception as error:
        raise PluginError(
            f'plugin "{name}" cannot be loaded from {entry_point.value}: '
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(plugin, Plugin):
        raise PluginError(
            f'plugin "{name}": {entry_point.value} is {type(plugin).__name__}, '
            "but must be an instance of a subclass of kartoteka.Plugin"
        )
    if plugin.name != name:
        raise PluginError(
            f'plugin "{name}" calls itself "{plugin.name}"; its entry point must bear that name'
        )
    return plugin


def plugin_manager(plugins: Iterable[Plugin]) -> pluggy.PluginManager:
    """Return a manager with the hooks of the plugins registered.

    Raises:
        PluginError: A plugin implements a hook that does not exist or with other arguments.
    """
    manager = pluggy.PluginManager("kartoteka")
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        try:
            manager.register(plugin, name=plugin.name)
            manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(f'plugin "{plugin.name}": {error}') from error
    return manager


def _in_order(plugins: Mapping[str, Plugin]) -> tuple[Plugin, ...]:
    """Return the plugins, each after those of them that it requires or works with."""
    under_way: list[str] = []
    ordered: dict[str, Plugin] = {}

    def visit(name: str) -> None:
        if name in under_way:
            circle = " → ".join([*under_way[under_way.index(name) :], name])
            raise PluginError(f"plugins wait for one another in a circle: {circle}")
        if name in ordered:
            return
        under_way.append(name)
        for earlier in (*plugins[name].requires, *plugins[name].works_with):
            if earlier in plugins:
                visit(earlier)
        under_way.pop()
        ordered[name] = plugins[name]

    for name in plugins:
        visit(name)
    return tuple(ordered.values())


def _installed() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        other = found.get(entry_point.name)
        if other is not None and other.value != entry_point.value:
            raise PluginError(
                f'two installed packages provide a plugin "{entry_point.name}": '
                f"{other.value} and {entry_point.value}"
            )
        found[entry_point.name] = entry_point
    return found


def _not_installed(name: str, wanted_by: str, installed: Iterable[str]) -> str:
    reason = f' (plugin "{wanted_by}" requires it)' if wanted_by else ""
    hint = did_you_mean(name, installed) or "install its package"
    return f'plugin "{name}" is not installed{reason}; {hint}'
