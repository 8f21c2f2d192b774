"""A small registry and a principal, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kartoteka.conditions import typed
from kartoteka.conditions.asker import Asker
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.check_expression import check_expression
from kartoteka.conditions.parser import parse, parse_expression
from kartoteka.model.choice import Option
from kartoteka.model.entity import Entity, Reason, State
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka.model.relationship import Relationship
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
    _field(
        "parentaccountid",
        "lookup",
        targets=("account",),
        hierarchical=True,
        relationship="account_parent_account",
    ),
    _field("primarycontactid", "lookup", targets=("contact",)),
    _field("customerid", "customer", targets=("account", "contact")),
    _field("ownerid", "owner", targets=("systemuser", "team")),
    _field("owningbusinessunit", "lookup", targets=("businessunit",)),
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
            _field("accountid", "lookup", targets=("account",), relationship="account_contacts"),
            _field(
                "parentcustomerid",
                "customer",
                targets=("account", "contact"),
                relationship="contact_customer_accounts",
            ),
            _field("birthdate", "date"),
            _field("revenue", "money", precision=2),
        ),
        "task": _entity(
            "task",
            "subject",
            _field("subject", "text"),
            _field("regardingobjectid", "regarding", targets=("account", "contact")),
            _field("createdon", "date_time", behavior="user_local"),
        ),
        "systemuser": _entity(
            "systemuser",
            "fullname",
            _field("fullname", "text"),
            _field("parentsystemuserid", "lookup", targets=("systemuser",), hierarchical=True),
        ),
        "team": _entity("team", "name", _field("name", "text")),
        "businessunit": _entity("businessunit", "name", _field("name", "text")),
    },
    relationships={
        name: Relationship(name, left, right, name)
        for name, left, right in (
            ("account_lists", "account", "team"),
            ("account_partners", "account", "account"),
        )
    },
)


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Return a registry of accounts, contacts, tasks, users, teams and business units."""
    return _REGISTRY


@pytest.fixture(scope="session")
def someone() -> Asker:
    """Return the user that the generated records sometimes name."""
    return Asker(user_id="0190a000-0000-7000-8000-00000000000d")


@pytest.fixture
def meaning(registry) -> Callable[..., str]:
    """Return a function that shows what a condition on account means, node by node."""

    def meaning_of(text: str, entity: str = "account") -> str:
        return shown(check_condition(parse(text), registry, entity))

    return meaning_of


@pytest.fixture
def value_of(registry) -> Callable[..., str]:
    """Return a function that shows what a formula on account means, perhaps for a field of it."""

    def value_of_text(text: str, for_field: str = "") -> str:
        field = registry.entities["account"].field_by_name[for_field] if for_field else None
        tree = parse_expression(text)
        return shown(check_expression(tree, registry, "account", for_field=field))

    return value_of_text


def shown(node: typed.TypedCondition | typed.Expression | typed.Value | None) -> str:
    """Return a checked condition or value as text: its own kind behind each computed value."""
    match node:
        case typed.FieldPath():
            return node.key
        case typed.Constant(value, kind):
            return f"{shown(value)}:{kind}"
        case typed.Asked(name):
            return f"{name}()"
        case typed.Applied(function, arguments, kind):
            return f"{function}({_shown(arguments)}):{kind}"
        case typed.Case(branches, otherwise, kind):
            parts = [f"{shown(term)}→{shown(value)}" for term, value in branches]
            return f"case({', '.join([*parts, shown(otherwise)])}):{kind}"
        case typed.Fixed(holds):
            return "always" if holds else "never"
        case typed.IsEmpty(path):
            return f"{path.key} empty"
        case typed.Compared(path, operator, value):
            return f"{path.key} {operator} {shown(value)}"
        case typed.OneOf(path, values):
            return f"{path.key} in [{_shown(values)}]"
        case typed.TextTest(path, function, text):
            return f"{path.key} {function} {text!r}"
        case typed.HasOption(path, option):
            return f"{path.key} has {option}"
        case typed.Like(path, pattern):
            return f"{path.key} like {pattern!r}"
        case typed.InPeriod(path, name, arguments):
            return f"{path.key} in {name}({_shown(arguments)})"
        case typed.InAskedSet(path, name):
            return f"{path.key} in {name}"
        case typed.InHierarchy():
            where = "under" if node.is_under else "above"
            itself = " or is" if node.includes_itself else ""
            by = f"{node.entity}.{node.parent.name}"
            return f"{node.path.key} {where}{itself} {shown(node.value)} by {by}"
        case typed.Related(left, operator, right):
            return f"<{shown(left)} {operator} {shown(right)}>"
        case typed.TextRelated(function, subject, sought):
            return f"<{shown(subject)} {function} {shown(sought)}>"
        case typed.Quantified(collection, variable, term):
            inside = "" if term is None else f"{variable}: {shown(term)}"
            return f"{collection.key}→{collection.entity}.any({inside})"
        case typed.Negated(term):
            return f"not({shown(term)})"
        case typed.AllOf(terms):
            return f"all({_shown(terms)})"
        case typed.AnyOf(terms):
            return f"any({_shown(terms)})"
        case str() | int() | float() | None:
            return repr(node)
        case _:
            return str(node)


def _shown(nodes) -> str:
    return ", ".join(map(shown, nodes))
