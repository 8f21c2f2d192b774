"""What a condition names: the places that a rename has to change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kartoteka.definition_changes.renamed import renamed
from kartoteka.model.label import NO_LABEL
from kartoteka.model.view import View
from kartoteka.references.mentions import in_condition


@pytest.fixture
def named(registry):
    """Return a function that tells what a condition on account names, in the order of the text."""
    contact = registry.entities["contact"]
    as_by_default = {
        "accountid": "account_contact_accountid",
        "parentcustomerid": "customer_contact_parentcustomerid",
    }
    fields = tuple(
        replace(item, relationship=as_by_default.get(item.name, item.relationship))
        for item in contact.fields
    )
    changed = replace(
        registry, entities={**registry.entities, "contact": replace(contact, fields=fields)}
    )

    def named_in(text: str) -> list[str]:
        found = sorted(in_condition(text, "account", changed), key=lambda mention: mention[1])
        for target, offset in found:
            assert text[offset:].startswith(target.name)
        return [f"{target.of}.{target.name}" if target.of else target.name for target, _ in found]

    return named_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("revenue add 1 gt -numberofemployees", ["account.revenue", "account.numberofemployees"]),
        (
            "case(creditonhold:name,true:accountnumber) eq 'x'",
            ["account.creditonhold", "account.name", "account.accountnumber"],
        ),
        (
            "industrycode eq case(creditonhold:'retail',true:coalesce(statecode,'active'))",
            ["account.industrycode", "account.creditonhold", "account.industrycode.retail",
             "account.statecode", "account.active"],
        ),
        (
            "account_contact_accountid/any(c:c/fullname eq $it/name and c/accountid/name eq name)",
            ["account", "contact", "contact.accountid", "contact.fullname", "account.name",
             "contact.accountid", "account.name", "account.name"],
        ),
        (
            "customer_contact_parentcustomerid_accounts/any(c:c/Contact_Tasks/any(t:t/subject eq"
            " c/fullname))",
            ["contact", "contact.parentcustomerid", "task.subject", "contact.fullname"],
        ),
        (
            "parentaccountid/account_lists/all(t:t/name ne null)",
            ["account.parentaccountid", "account_lists", "team.name"],
        ),
        ("Referencedaccount_partners/any()", ["account_partners"]),
        ("account_parent_account/any(a:a/industrycode eq 'retail')",
         ["account.industrycode", "account.industrycode.retail"]),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='parentaccountid/industrycode',"
            "PropertyValues=[\"retail\"])",
            ["account.parentaccountid", "account.industrycode", "account.industrycode.retail"],
        ),
        ("nothing/any(x:x/name eq 'y')", []),
    ],
)  # fmt: skip
def test_what_a_condition_names(named, text, expected):
    assert named(text) == expected


def test_a_renamed_registry_asks_for_its_collections_by_their_new_names(registry):
    contact = registry.entities["contact"]
    lookup = replace(contact.field_by_name["accountid"], relationship="account_contact_accountid")
    contact = replace(contact, fields=(*contact.fields[:2], lookup))
    view = View(
        name="known",
        label=NO_LABEL,
        entity="account",
        type="public",
        columns=(),
        filter="account_contact_accountid/any(c:c/fullname ne name and c/accountid eq accountid)",
    )
    before = replace(
        registry, entities={**registry.entities, "contact": contact}, views={"known": view}
    )
    renames = {
        ("field", "person.fullname"): "person.name",
        ("field", "person.accountid"): "person.firm",
        ("entity", "contact"): "person",
    }
    assert renamed(before, renames).views["known"].filter == (
        "account_person_firm/any(c:c/name ne name and c/firm eq accountid)"
    )
