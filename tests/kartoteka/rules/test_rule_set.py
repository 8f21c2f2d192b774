"""Business rules: what they come to, and what is kept of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from kartoteka.assembly import assemble, load_bundles
from kartoteka.conditions.asker import Asker
from kartoteka.diagnostics import Diagnostics
from kartoteka.editor_schemas.editor_schemas import editor_schemas
from kartoteka.explanation import explain
from kartoteka.labels import missing_labels
from kartoteka.record_values import Reference
from kartoteka.registry_codec import registry_of_text, registry_text
from kartoteka.registry_documents.documents import documents
from kartoteka.rules.rule_json import rules_json
from kartoteka.rules.rule_set import RuleSet, rules_on_write
from kartoteka.yaml_text.format_document import format_document

BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name } }
  - { name: nick, type: text, label: { en: Nick } }
  - { name: berths, type: whole_number, label: { en: Berths } }
  - { name: price, type: money, label: { en: Price }, precision: 2 }
  - { name: length, type: float, label: { en: Length }, precision: 1 }
  - { name: sold, type: yes_no, label: { en: Sold } }
  - { name: built, type: date, label: { en: Built } }
  - { name: seen, type: date_time, label: { en: Seen } }
  - name: kind
    type: choice
    label: { en: Kind }
    options:
      - { name: sail, value: 7, label: { en: Sail } }
      - { name: motor, value: 8, label: { en: Motor } }
  - { name: owner, type: customer, label: { en: Owner } }
  - { name: payer, type: lookup, label: { en: Payer }, target: account }
  - { name: skipper, type: lookup, label: { en: Skipper }, target: systemuser }
"""
ME = Asker("0199-me", "0199-unit", "Europe/Warsaw", datetime(2031, 5, 6, 22, 30, tzinfo=UTC))


@pytest.fixture
def rules(registry_of):
    """Give a function that compiles rules about boats, each the text behind its name."""

    def make(**bodies: str) -> RuleSet:
        layer = {"entities/boat": BOAT}
        for name, body in bodies.items():
            head = f"kind: rule\nformat: 1\nname: {name}\nentity: boat\n"
            layer[f"rules/{name}"] = head + body
        registry = registry_of(layer)
        return RuleSet(registry.rules_of["boat"], registry)

    return make


def then(*actions: str, when: str = "name ne null", otherwise: str = "[]") -> str:
    lines = "".join(f"      - {action}\n" for action in actions)
    return f"branches:\n  - name: one\n    when: {when}\n    then:\n{lines}otherwise: {otherwise}\n"


def run(found: RuleSet, *, is_new: bool = False, **record: Any) -> Any:
    return found.run({"name": "Ana", **record}, ME, is_new=is_new)


@pytest.mark.parametrize(
    ("action", "record", "expected"),
    [
        ("{ set: nick, value: Nut }", {}, {"nick": "Nut"}),
        ("{ set: berths, value: 3 }", {"berths": 3}, {}),
        ("{ set: price, formula: berths divby 3 }", {"berths": 2}, {"price": Decimal("0.67")}),
        ("{ set: price, formula: berths divby 0 }", {"price": Decimal(1)}, {"price": None}),
        ("{ set: berths, formula: price mul 2 }", {"price": Decimal("1.25")}, {"berths": 3}),
        ("{ set: length, formula: berths divby 8 }", {"berths": 1}, {"length": 0.1}),
        ("{ set: sold, formula: price gt 5 }", {"price": Decimal(5)}, {"sold": False}),
        ("{ set: sold, value: true }", {}, {"sold": True}),
        ("{ set: kind, value: motor }", {}, {"kind": 8}),
        ("{ set: kind, value: 7 }", {}, {"kind": 7}),
        ("{ set: built, value: '2031-05-06' }", {}, {"built": date(2031, 5, 6)}),
        ("{ set: built, formula: date(now()) }", {}, {"built": date(2031, 5, 7)}),
        ("{ set: seen, formula: 'addhours(now(),1)' }", {},
         {"seen": datetime(2031, 5, 6, 23, 30, tzinfo=UTC)}),
        ("{ set: nick, formula: 'concat(name,''!'')' }", {}, {"nick": "Ana!"}),
        ("{ set: skipper, formula: me() }", {}, {"skipper": Reference("systemuser", "0199-me")}),
        ("{ set: owner, formula: payer }", {"payer": Reference("account", "1", "Rax")},
         {"owner": Reference("account", "1", "Rax")}),
        ("{ set: owner, formula: payer }", {"payer": Reference("account", "1"),
         "owner": Reference("account", "1", "Rax")}, {}),
        ("{ clear: [nick, berths] }", {"nick": "Nut"}, {"nick": None}),
    ],
)  # fmt: skip
def test_what_an_action_writes(rules, action, record, expected):
    assert run(rules(one=then(action)), **record).written == expected


def test_a_default_waits_for_a_new_record_and_an_empty_field(rules):
    found = rules(one=then("{ set_default: nick, formula: name }"))
    assert run(found, is_new=True).written == {"nick": "Ana"}
    assert run(found, is_new=True, nick="Nut").written == run(found).written == {}


def test_the_first_branch_that_holds_counts_and_otherwise_when_none_does(rules):
    found = rules(
        one="""\
branches:
  - { name: many, when: berths gt 5, then: [{ lock: name }] }
  - { name: some, when: berths gt 2, then: [{ hide: name }] }
otherwise: [{ require: name }]
"""
    )
    many, some, few = (run(found, berths=count) for count in (6, 3, 1))
    assert (many.locked, many.hidden, many.required) == ({"name"}, set(), {})
    assert (some.locked, some.hidden, some.required) == (set(), {"name"}, {})
    assert (few.locked, few.hidden, few.required) == (set(), set(), {"name": "always"})


def test_rules_run_in_order_once_and_later_ones_overrule(rules):
    found = rules(
        last="order: 30\n" + then("{ set: berths, formula: berths add 1 }", "{ unlock: nick }",
                                  "{ show: kind }", "{ require: nick, level: no }"),
        first="order: 20\n" + then("{ set: berths, formula: berths mul 2 }", "{ lock: nick }",
                                   "{ hide: kind }", "{ require: nick }"),
        never="enabled: false\n" + then("{ set: berths, value: 0 }"),
        again="order: 30\n" + then("{ set: nick, value: high }", when="berths gt 6"),
    )  # fmt: skip
    outcome = run(found, berths=3)
    assert outcome.written == {"berths": 7}  # "again" stands before "last", and runs once
    assert (outcome.locked, outcome.hidden, outcome.required) == (set(), set(), {"nick": "no"})


def test_what_is_hidden_is_not_missing(rules):
    found = rules(
        one=then("{ require: [nick, kind, berths] }"),
        two=then("{ hide: kind }", "{ require: berths, level: recommended }"),
    )
    outcome = run(found)
    assert list(outcome.missing({"name": "Ana"})) == ["nick"]


def test_errors_and_proposals_are_collected(rules):
    found = rules(one=then(
        "{ error: small, message: { en: Too small }, field: berths }",
        "{ recommend: grow, label: { en: Grow }, field: berths, then: [{ clear: nick }] }",
    ))  # fmt: skip
    outcome = run(found)
    assert [(item.rule, item.name, item.field) for item in outcome.refusals] == [
        ("one", "small", "berths")
    ]
    assert (outcome.proposed, outcome.written) == ([("one", "grow")], {})


def test_what_rules_look_at_and_write_is_known(rules):
    found = rules(one=then("{ set: nick, formula: 'concat(name,nick)' }", "{ lock: kind }",
                           "{ error: e, message: { en: E }, field: sold }",
                           when="berths gt 1"))  # fmt: skip
    assert found.decided_by == {"berths", "name", "nick"}
    assert found.fields == {"berths", "name", "nick", "kind", "sold"}


def test_only_rules_of_scope_entity_run_on_writes(registry_of):
    form = then("{ lock: name }")
    head = "kind: rule\nformat: 1\nname: {}\nentity: boat\nscope: {}\n"
    registry = registry_of({
        "entities/boat": BOAT,
        "rules/shown": head.format("shown", "all_forms") + form,
        "rules/held": head.format("held", "entity") + form,
    })  # fmt: skip
    found = rules_on_write("boat", registry)
    assert found is not None
    assert [rule.rule.name for rule in found.typed] == ["held"]
    assert rules_on_write("account", registry) is None


EVERY_ACTION = {
    "entities/boat": BOAT,
    "forms/boat_main": """
        kind: form
        format: 1
        name: boat_main
        entity: boat
        type: main
        label: { en: Boat }
        tabs:
          - { name: one, sections: [{ name: two, controls: [name] }] }
    """,
    "rules/boats": """
        kind: rule
        format: 1
        name: boats
        label: { en: Boats, pl: Łodzie }
        help: { en: What boats need }
        entity: boat
        scope: form
        form: boat_main
        order: 5
        branches:
          - name: one
            when: name ne null and berths gt 2
            then:
              - { set: price, value: 1.50 }
              - { set: sold, value: false }
              - { set_default: nick, formula: name }
              - { clear: [berths, kind] }
              - { require: name, level: recommended }
              - { hide_section: two }
              - { show_tab: one }
              - { error: e, message: { en: No }, field: name }
        otherwise:
          - recommend: r
            label: { en: Yes }
            details: { en: Because }
            field: name
            then: [{ set: berths, value: 1 }, { clear: nick }]
    """,
}


def test_a_rule_is_published_and_exported_without_loss(registry_of, tmp_path):
    registry = registry_of(EVERY_ACTION)
    assert registry_of_text(registry_text(registry)).rules == registry.rules
    folder = tmp_path / "exported"
    for name, text in documents(registry):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    text = (folder / "rules/boats.yaml").read_text("utf-8")
    assert "  - name: one\n    when: name ne null and berths gt 2\n" in text
    assert format_document(text.encode(), Diagnostics(), shown_as="boats.yaml") == text
    again = assemble(load_bundles([folder]), languages=registry.languages)
    bundle = registry.rules["boats"].bundle
    assert json.loads(json.dumps(again.to_json()["rules"]["boats"])) == {
        **json.loads(json.dumps(registry.to_json()["rules"]["boats"])),
        "bundle": again.rules["boats"].bundle,
    }
    assert bundle == "app"


def test_a_rule_is_explained_layer_by_layer(registry_of):
    upper = """
        kind: rule
        format: 1
        extends: boats
        enabled: false
        branches: [{ name: one, when: name ne null }]
    """
    bundle = "kind: bundle\nformat: 1\nname: upper\nrequires: [app]\n"
    registry = registry_of(EVERY_ACTION, {"bundle": bundle, "rules/boats": upper})
    told = {item.path: item for item in explain(registry, "rule", "boats")}
    assert (told["enabled",].value, told["enabled",].bundles) == (False, ("upper",))
    assert told["branches", "one", "when"].bundles == ("app", "upper")
    assert told["branches", "one", "then"].value[1] == {"set": "sold", "value": False}
    assert told["otherwise",].value[0]["recommend"] == "r"
    json.dumps([item.value for item in told.values()])


def test_messages_and_proposals_need_every_language(registry_of):
    missing = missing_labels(registry_of(EVERY_ACTION), ["pl"])
    found = {item.path for item in missing if item.is_required and item.path.startswith("rule/")}
    assert found == {
        "rule/boats/error/e/message", "rule/boats/recommend/r/message",
        "rule/boats/recommend/r/details",
    }  # fmt: skip


def test_editors_complete_the_fields_of_a_rule(registry_of):
    schemas = editor_schemas(registry_of(EVERY_ACTION), {"boat"})
    narrowed = json.dumps(schemas["boat/rule.json"])
    assert '"$ref": "names.json#/$defs/field"' in narrowed
    assert "boats" in schemas["names.json"]["$defs"]["rule"]["enum"]


def test_the_browser_gets_texts_in_one_language(registry_of):
    registry = registry_of(EVERY_ACTION)
    found = RuleSet(registry.rules_of["boat"], registry)
    (told,) = rules_json(found.typed, lambda label: label.texts.get("en", ""))
    assert (told["name"], told["always"], told["looks_at"]) == ("boats", False, ["berths", "name"])
    ((condition, actions),) = told["branches"]
    assert condition[0] == "and"
    assert actions[0] == ["set", "price", ["value", "decimal", "1.50"]]
    assert actions[3] == ["clear", ["berths", "kind"]]
    assert actions[4] == ["require", ["name"], "recommended"]
    assert actions[-1] == ["error", "boats.e", "name", "No"]
    assert told["otherwise"] == [
        ["recommend", "boats.r", "name",
         [["set", "berths", ["value", "whole", "1"]], ["clear", ["nick"]]]]
    ]  # fmt: skip
