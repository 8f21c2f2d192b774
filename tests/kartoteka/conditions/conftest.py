"""A small registry and a principal, for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kartoteka.model.choice import Option
from kartoteka.model.entity import Entity, Reason, State
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka.registry import Registry


def _field(name: str, type: str, **rest) -> Field:
    return Field(name, type, NO_LABEL, **rest)


def _entity(name: str, primary_field: str, *fields: Field, **rest) -> Entity:
    own_id = _field(f"{name}id", "unique_id")
    return Entity(
        name=name,
        set_name=f"{name}s",
        label=NO_LABEL,
        plural_label=NO_LABEL,
        primary_id=own_id.name,
        primary_field=primary_field,
        ownership="none",
        fields=(own_id, *fields),
        **rest,
    )


_RETAIL, _SHIPPING = Option(1, "retail", NO_LABEL), Option(2, "shipping", NO_LABEL)
_STATES = (
    State(0, "active", NO_LABEL, (Reason(1, "active", NO_LABEL),)),
    State(1, "inactive", NO_LABEL, (Reason(2, "inactive", NO_LABEL),)),
)

_ACCOUNT = _entity(
    "account",
    "name",
    _field("name", "text", max_length=160),
    _field("accountnumber", "autonumber"),
    _field("numberofemployees", "whole_number"),
    _field("revenue", "money", precision=2),
    _field("latitude", "float"),
    _field("creditonhold", "yes_no"),
    _field("industrycode", "choice", options=(_RETAIL, _SHIPPING)),
    _field("channels", "multi_choice", options=(_RETAIL, _SHIPPING)),
    _field("founded", "date"),
    _field("birthday", "date_time", behavior="date_only"),
    _field("createdon", "date_time", behavior="user_local"),
    _field("opens", "date_time", behavior="time_zone_independent"),
    _field("parentaccountid", "lookup", targets=("account",)),
    _field("primarycontactid", "lookup", targets=("contact",)),
    _field("customerid", "customer", targets=("account", "contact")),
    _field("ownerid", "owner", targets=("systemuser", "team")),
    _field("statecode", "state"),
    _field("statuscode", "status"),
    _field("parties", "party_list"),
    states=_STATES,
)
_REGISTRY = Registry(
    entities={
        "account": _ACCOUNT,
        "contact": _entity(
            "contact",
            "fullname",
            _field("fullname", "text"),
            _field("accountid", "lookup", targets=("account",)),
        ),
        "systemuser": _entity("systemuser", "fullname", _field("fullname", "text")),
        "team": _entity("team", "name", _field("name", "text")),
    }
)


@dataclass(frozen=True)
class Someone:
    """A principal, as far as conditions look at it."""

    user_id: str = "0190a000-0000-7000-8000-00000000000d"


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Return a registry with account, contact, systemuser and team."""
    return _REGISTRY


@pytest.fixture(scope="session")
def someone() -> Someone:
    """Return the principal that the generated records sometimes name."""
    return Someone()
