"""An access test's map → AccessTest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in, read_names
from kartoteka.location import Location
from kartoteka.model.access_test import (
    AccessTest,
    Expectation,
    GivenHierarchy,
    GivenPosition,
    GivenRecord,
    GivenShare,
    GivenTeam,
    GivenUnit,
    GivenUser,
)


def read_access_test(name: str, content: YamlMap, *, bundle: str) -> AccessTest:
    """Return the access test that a map describes."""
    hierarchy = content.get("hierarchy")
    return AccessTest(
        name=name,
        units=tuple(
            GivenUnit(item["name"], item.get("parent", ""), item.at("name"))
            for item in _named(content, "units")
        ),
        positions=tuple(
            GivenPosition(item["name"], item.get("parent", ""), item.at("name"))
            for item in _named(content, "positions")
        ),
        users=tuple(map(_user, _named(content, "users"))),
        teams=tuple(map(_team, _named(content, "teams"))),
        team_only_roles=read_names(content, "team_only_roles"),
        hierarchy=_hierarchy(hierarchy) if isinstance(hierarchy, YamlMap) else None,
        records=tuple(_record(item) for item in _named(content, "records") if "entity" in item),
        expectations=tuple(
            _expectation(item) for item in maps_in(content, "expect") if "user" in item
        ),
        bundle=bundle,
        location=content.at("name"),
    )


def _named(content: YamlMap, key: str) -> list[YamlMap]:
    return [item for item in maps_in(content, key) if "name" in item]


def _user(content: YamlMap) -> GivenUser:
    return GivenUser(
        name=content["name"],
        unit=content.get("unit", ""),
        roles=read_names(content, "roles"),
        profiles=read_names(content, "profiles"),
        manager=content.get("manager", ""),
        position=content.get("position", ""),
        is_disabled=content.get("disabled", False),
        location=content.at("name"),
    )


def _team(content: YamlMap) -> GivenTeam:
    return GivenTeam(
        name=content["name"],
        unit=content.get("unit", ""),
        type=content.get("type", "owner"),
        roles=read_names(content, "roles"),
        profiles=read_names(content, "profiles"),
        members=read_names(content, "members"),
        location=content.at("name"),
    )


def _hierarchy(content: YamlMap) -> GivenHierarchy:
    return GivenHierarchy(
        by=content.get("by", "manager"),
        depth=content.get("depth"),
        editing_levels=content.get("editing_levels"),
        excludes=read_names(content, "excludes"),
        location=content.at("by"),
    )


def _record(content: YamlMap) -> GivenRecord:
    values = content.get("values")
    given: Mapping[str, Any] = values if isinstance(values, YamlMap) else {}
    places = {key: values.at(key) for key in given} if isinstance(values, YamlMap) else {}
    return GivenRecord(
        name=content["name"],
        entity=content["entity"],
        owner=content.get("owner", ""),
        values=dict(given),
        shares=tuple(
            GivenShare(item["with"], read_names(item, "may"), item.at("with"))
            for item in maps_in(content, "shared")
            if "with" in item
        ),
        location=content.at("name"),
        value_locations=places,
    )


def _expectation(content: YamlMap) -> Expectation:
    places: dict[str, Location] = {key: content.at(key) for key in content}
    return Expectation(
        user=content["user"],
        record=content.get("record", ""),
        entity=content.get("entity", ""),
        may=read_names(content, "may"),
        may_not=read_names(content, "may_not"),
        sees=read_names(content, "sees") if "sees" in content else None,
        count=content.get("count"),
        reads=read_names(content, "reads"),
        masked=read_names(content, "masked"),
        hidden=read_names(content, "hidden"),
        location=content.at("user"),
        locations=places,
    )
