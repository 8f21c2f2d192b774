"""A small registry for the tests of this folder."""

from __future__ import annotations

import pytest

from kartoteka.model.choice import Option
from kartoteka.model.entity import Entity, Reason, State
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka.model.relationship import Relationship
from kartoteka.registry import Registry


def _field(name: str, type: str, **rest) -> Field:
    return Field(name, type, NO_LABEL, **rest)


def _entity(name: str, *fields: Field, **rest) -> Entity:
    return Entity(
        name=name,
        set_name=f"{name}s",
        label=NO_LABEL,
        plural_label=NO_LABEL,
        primary_id=f"{name}id",
        primary_field="name",
        ownership="none",
        fields=(
            _field(f"{name}id", "unique_id"),
            _field("name", "text", max_length=100),
            *fields,
            _field("versionnumber", "big_integer"),
        ),
        **rest,
    )


_RED, _BLUE = Option(1, "red", NO_LABEL), Option(2, "blue", NO_LABEL)
_STATES = (
    State(0, "active", NO_LABEL, (Reason(1, "active", NO_LABEL),)),
    State(1, "inactive", NO_LABEL, (Reason(2, "inactive", NO_LABEL),)),
)
_ENTITIES = (
    _entity(
        "boat",
        _field("code", "text", max_length=20),
        _field("crew", "whole_number"),
        _field("tons", "decimal", precision=2),
        _field("price", "money", precision=2),
        _field("speed", "float"),
        _field("armed", "yes_no"),
        _field("color", "choice", options=(_RED, _BLUE)),
        _field("flags", "multi_choice", options=(_RED, _BLUE)),
        _field("built", "date"),
        _field("seen", "date_time", behavior="user_local"),
        _field("opens", "date_time", behavior="time_zone_independent"),
        _field("spoken", "whole_number", format="language"),
        _field("boss", "lookup", targets=("boat",), hierarchical=True),
        _field("unit", "lookup", targets=("businessunit",)),
        _field("payer", "customer", targets=("boat", "team")),
        _field("ownerid", "owner", targets=("systemuser", "team")),
        _field("crewlist", "party_list"),
        _field("statecode", "state"),
        states=_STATES,
    ),
    _entity(
        "trip",
        _field("boat", "lookup", targets=("boat",), relationship="boat_trips"),
        _field("miles", "whole_number"),
        _field("leaves", "date_time", behavior="user_local"),
    ),
    _entity("berth"),
    _entity("systemuser"),
    _entity("team"),
    _entity("businessunit"),
)


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Give boats with trips and berths."""
    berths = Relationship("boat_berths", "boat", "berth", "boatberth")
    return Registry(
        entities={entity.name: entity for entity in _ENTITIES},
        relationships={berths.name: berths},
    )
