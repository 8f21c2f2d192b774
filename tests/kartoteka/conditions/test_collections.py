"""What the records that belong to one are called."""

from __future__ import annotations

from dataclasses import replace

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.typed import Linked, Match


def _named(registry, entity: str) -> dict[str, tuple[str, str]]:
    """Return ``{name: (entity, field or direction)}``."""
    found = {}
    for name, collection in collections_of(registry, entity).items():
        match collection.via:
            case Match(item_field):
                found[name] = collection.entity, item_field.name
            case Linked(_, owner_is_left):
                found[name] = collection.entity, "right" if owner_is_left else "left"
    return found


def test_lookups_give_collections_by_their_relationship(registry):
    named = _named(registry, "account")
    assert named["account_contacts"] == ("contact", "accountid")
    assert named["contact_customer_accounts"] == ("contact", "parentcustomerid")
    assert named["Account_Tasks"] == ("task", "regardingobjectid")
    assert named["account_customerid_accounts"] == ("account", "customerid")
    assert _named(registry, "contact")["contact_customer_contacts"] == (
        "contact",
        "parentcustomerid",
    )


def test_links_with_itself_have_a_name_for_each_direction(registry):
    named = _named(registry, "account")
    assert named["account_parent_account"] == ("account", "parentaccountid")
    assert named["Referencedaccount_parent_account"] == ("account", "parentaccountid")
    assert collections_of(registry, "account")["Referencedaccount_parent_account"].name == (
        "account_parent_account"
    )
    assert named["account_partners"] == ("account", "right")
    assert named["Referencedaccount_partners"] == ("account", "left")


def test_many_to_many_is_named_alike_on_both_sides(registry):
    assert _named(registry, "account")["account_lists"] == ("team", "right")
    assert _named(registry, "team")["account_lists"] == ("account", "left")


def test_an_owner_is_matched_by_its_id(registry):
    collection = collections_of(registry, "account")["account_contacts"]
    assert isinstance(collection.via, Match)
    assert collection.via.owner_field.name == "accountid"
    assert collection.owner == "account"


def test_collections_are_worked_out_once(registry):
    assert collections_of(registry, "account") is collections_of(registry, "account")


def test_a_taken_name_makes_way(registry):
    contact = registry.entities["contact"]
    second = replace(contact.field_by_name["accountid"], name="otherid")
    changed = replace(
        registry,
        entities={
            **registry.entities,
            "contact": replace(contact, fields=(*contact.fields, second)),
        },
    )
    named = _named(changed, "account")
    assert named["account_contacts"] == ("contact", "accountid")
    assert named["account_contacts_account"] == ("contact", "otherid")


def test_a_field_keeps_its_name_before_a_collection(registry):
    account = registry.entities["account"]
    taken = replace(account.field_by_name["name"], name="account_contacts")
    entities = {**registry.entities, "account": replace(account, fields=(*account.fields, taken))}
    named = _named(replace(registry, entities=entities), "account")
    assert "account_contacts" not in named
    assert named["account_contacts_account"] == ("contact", "accountid")
