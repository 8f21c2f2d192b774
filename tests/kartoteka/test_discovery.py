"""Plugins: found by entry point, loaded, ordered; and what is said when that fails."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from kartoteka import Plugin, PluginError, hookimpl
from kartoteka.plugin_api import discovery
from kartoteka.plugin_api.discovery import discover_plugins, plugin_manager


def plugin_class(
    its_name: str, *its_requires: str, works_with: tuple[str, ...] = ()
) -> type[Plugin]:
    parts = {"name": its_name, "requires": its_requires, "works_with": works_with}
    return type(its_name, (Plugin,), parts)


garage = plugin_class("garage")()
ferry = plugin_class("ferry", works_with=("fleet",))()
fleet = plugin_class("fleet", "garage")()
chicken = plugin_class("chicken", "egg")()
egg = plugin_class("egg", "chicken")()
not_a_plugin = "garage"


@pytest.fixture
def installed(monkeypatch):
    """Give a function that pretends these entry points are installed: the edge we do not own."""

    def install(**points: str) -> None:
        found = [
            EntryPoint(name, value, discovery.ENTRY_POINT_GROUP) for name, value in points.items()
        ]
        monkeypatch.setattr(discovery, "entry_points", lambda group: found)

    monkeypatch.setitem(sys.modules, "garage_test", sys.modules[__name__])
    return install


def test_a_plugin_comes_after_what_it_requires(installed):
    installed(fleet="garage_test:fleet", garage="garage_test:garage")
    assert discover_plugins(["fleet"]) == (garage, fleet)
    assert discover_plugins(None) == (garage, fleet)
    assert discover_plugins([]) == ()


def test_a_plugin_comes_after_what_it_works_with_when_that_is_wanted_too(installed):
    installed(ferry="garage_test:ferry", fleet="garage_test:fleet", garage="garage_test:garage")
    assert discover_plugins(["ferry"]) == (ferry,)
    assert discover_plugins(["ferry", "garage"]) == (ferry, garage)
    assert discover_plugins(["ferry", "fleet"]) == (garage, fleet, ferry)
    assert discover_plugins(None) == (garage, fleet, ferry)


@pytest.mark.parametrize(
    ("points", "names", "message"),
    [
        ({"garage": "garage_test:garage"}, ["garrage"], 'did you mean "garage"'),
        ({"fleet": "garage_test:fleet"}, ["fleet"], '"garage" is not installed (plugin "fleet"'),
        ({"garage": "no_such_module:plugin"}, ["garage"], "ModuleNotFoundError"),
        ({"garage": "garage_test:not_a_plugin"}, ["garage"], "must be an instance"),
        ({"parking": "garage_test:garage"}, ["parking"], 'calls itself "garage"'),
        (
            {"chicken": "garage_test:chicken", "egg": "garage_test:egg"},
            ["egg"],
            "egg → chicken → egg",
        ),
    ],
)
def test_what_is_wrong_with_a_plugin_is_said(installed, points, names, message):
    installed(**points)
    with pytest.raises(PluginError) as raised:
        discover_plugins(names)
    assert message in str(raised.value)


def test_a_hook_that_does_not_exist_is_refused():
    class Odd(Plugin):
        name = "odd"

        @hookimpl
        def record_handler(self):  # the hook is called record_handlers
            return ()

    with pytest.raises(PluginError, match="odd.*record_handler"):
        plugin_manager([Odd()])
