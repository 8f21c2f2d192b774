"""A rename changes every mention and nothing else: generated apps, and the corners of YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kartoteka.assembly import assemble, load_bundles
from kartoteka.references.reference import ObjectName
from kartoteka.references.references import references
from kartoteka.renaming.rename import rename
from kartoteka.renaming.renamed_names import CannotRename, read_object_name
from kartoteka.renaming.written_file import CannotEdit

BASE = Path(__file__).parents[1] / "golden" / "_base"


@dataclass(frozen=True)
class Renamed:
    """What came of a rename: the texts by file, and the registry they make."""

    files: dict[str, str]
    registry: object


def written(folder, files):
    for name, text in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return Path(folder)


def assembled(files):
    with TemporaryDirectory() as folder:
        return assemble(load_bundles([BASE, written(folder, files)], shown_from=Path(folder)))


def after_rename(files, old, new):
    """Return the files of an app after a rename, and what they mean."""
    with TemporaryDirectory() as folder:
        layers = load_bundles([BASE, written(folder, files)], shown_from=Path(folder))
        registry = assemble(layers)
        target = read_object_name(old, registry)
        changed = rename(target, new, layers[1], registry, files)
    kept = {name: text for name, text in files.items() if name not in {c.file for c in changed}}
    found = kept | {change.new_file: change.text for change in changed}
    return Renamed(found, assembled(found))


def without_memory(files):
    """Return texts without what they say of former names."""
    return {
        name: re.sub(r"^ *renamed_from: .*\n|, renamed_from: \w+", "", text, flags=re.MULTILINE)
        for name, text in files.items()
    }


# --- generated apps ---------------------------------------------------------------------------

ENTITIES = ("boat", "pier", "crew")
FIELDS = ("size", "crew", "kind", "cost", "boat")  # some are called like entities
QUOTES = ("{}", '"{}"', "'{}'")


@dataclass(frozen=True)
class Model:
    """An app before anybody wrote it down; ``styles`` decide how each thing is written."""

    fields: dict[str, dict[str, tuple[str, str]]]  # entity → field → (type, target)
    styles: list[int]
    names: dict[tuple[str, ...], str] = field(default_factory=dict)

    def texts(self):
        return _Writer(self).files


class _Writer:
    """Writes a model; names that ``names`` does not know are written as they are."""

    def __init__(self, model):
        self.model = model
        self.turn = 0
        self.files = {}
        for entity in model.fields:
            self.entity(entity)
            self.form(entity)
            self.view(entity)
            self.rule(entity)
        self.labels()
        self.menu()

    def named(self, *path):
        return self.model.names.get(path, path[-1])

    def style(self, count):
        self.turn += 1
        return self.model.styles[self.turn % len(self.model.styles)] % count

    def word(self, *path):
        return QUOTES[self.style(3)].format(self.named(*path))

    def put(self, folder, name, lines):
        self.files[f"{folder}/{name}.yaml"] = "\n".join([*lines, ""])

    def entity(self, entity):
        name = self.named(entity)
        lines = [
            f"# About {entity}: {{entity:{entity}}} stays in a comment.", "kind: entity",
            "format: 1", f"name: {self.word(entity)}   # {entity}",
            f'label: {{ en: "One {entity}" }}', 'plural_label: { en: "Several" }',
            "primary_field: name", "fields:", "  - { name: name, type: text, label: { en: N } }",
        ]  # fmt: skip
        for item, (kind, target) in self.model.fields[entity].items():
            more = {
                "lookup": f"target: {self.word(target)}" if target else "",
                "choice": "options: [{ name: red, value: 1, label: { en: Red } }]",
            }.get(kind, "searchable: false")
            label = f"label: {{ en: 'The {{entity:{self.named(entity)}}}' }}"
            if self.style(2):
                lines.append(
                    f"  - {{ name: {self.word(entity, item)}, type: {kind}, {label}, {more} }}"
                )
            else:
                lines += [
                    f"  - name: {self.word(entity, item)}", f"    type: {kind}  # {item}",
                    f"    {label}", f"    {more}",
                ]  # fmt: skip
        texts = [i for i, (kind, _) in self.model.fields[entity].items() if kind == "text"]
        if texts:
            fields = f"[name, {self.word(entity, texts[0])}]"
            lines += ["keys:", f"  - {{ name: number, fields: {fields}, label: {{ en: K }} }}"]
        self.put("entities", name, lines)

    def form(self, entity):
        name = self.named("form", f"{entity}_main")
        items = self.model.fields[entity]
        lines = [
            "kind: form", "format: 1", f"name: {name}", f"entity: {self.word(entity)}",
            f"label: {{ en: '{{entities:{self.named(entity)}}}' }}", "type: main", "tabs:",
            "  - name: boat", "    sections:", "      - name: size", "        controls:",
        ]  # fmt: skip
        lines.append("          - name")
        for item, (kind, _) in items.items():
            word = self.word(entity, item)
            forms = (f"- {word}", f"- field: {word}", f"- {{ field: {word}, width: 1 }}")
            lines.append(f"          {forms[self.style(3)]}")
            if kind == "money":
                lines.append(f"          - {self.named(entity, item)}_base")
        for other, theirs in self.model.fields.items():
            for item, (_, target) in theirs.items():
                if target == entity:
                    lines.append(
                        f"          - {{ subgrid: {other}_{item}, entity: {self.word(other)}, "
                        f"by: {self.word(other, item)} }}"
                    )
        self.put("forms", name, lines)

    def view(self, entity):
        name = self.named("view", f"{entity}_all")
        terms, columns, order = ["name ne null"], ["name"], ["name"]
        for item, (kind, target) in self.model.fields[entity].items():
            field_name = self.named(entity, item)
            columns.append(self.word(entity, item))
            terms.append(f"{field_name} eq null")
            if kind == "choice":
                terms.append(f"({field_name} eq ''red'' or not {field_name} in (''red'',1))")
            elif kind == "lookup":
                columns.append(f"{field_name}/name")
                for theirs, (kind, _) in self.model.fields[target].items():
                    if kind == "text":
                        terms.append(f"contains({field_name}/{self.named(target, theirs)},''a'')")
            elif kind == "money":
                order.append(f"{field_name} desc")
                terms.append(f"{field_name}_base gt 5")
        joined = " and ".join(terms)
        if self.style(2):
            condition = [f"filter: '{joined}'"]
        else:
            folded = joined.replace("''", "'").replace(" and ", " and\n  ")
            condition = ["filter: >-", f"  {folded}"]
        lines = [
            "kind: view", "format: 1", f"name: {name}", f"entity: {self.word(entity)}",
            "type: public", *condition, f"order: [{', '.join(order)}]",
            f'label: {{ en: "All {{entities:{self.named(entity)}}}: '
            f'{{field:{self.named(entity)}.name}}" }}',
            f"columns: [{', '.join(columns)}]",
        ]  # fmt: skip
        self.put("views", name, lines)

    def rule(self, entity):
        name = self.named("rule", f"{entity}_rule")
        terms, actions = ["name ne null"], ["- { lock: name }"]
        for item, (kind, _) in self.model.fields[entity].items():
            word = self.named(entity, item)
            actions.append(f"- {{ require: [name, {self.word(entity, item)}] }}")
            if kind == "choice":
                terms.append(f"{word} eq ''red''")
                actions += [f"- {{ set: {word}, value: red }}",
                            f"- {{ set: {word}, formula: {word} }}"]  # fmt: skip
            elif kind == "text":
                actions.append(f'- {{ set: name, formula: "concat({word},name)" }}')
                actions.append(
                    f"- {{ error: e_{item}, field: {word}, "
                    f"message: {{ en: '{{field:{self.named(entity)}.{word}}}' }} }}"
                )
        lines = [
            "kind: rule", "format: 1", f"name: {name}", f"entity: {self.word(entity)}",
            "scope: form", f"form: {self.named('form', f'{entity}_main')}", "branches:",
            "  - name: boat", f"    when: '{' and '.join(terms)}'", "    then:",
            *(f"      {action}" for action in actions),
        ]  # fmt: skip
        self.put("rules", name, lines)

    def labels(self):
        lines = ["kind: labels", "format: 1", "name: pl", "language: pl", "entities:"]
        for entity, items in self.model.fields.items():
            lines += [f"  {self.word(entity)}:", f"    label: {entity}"]
            texts = ", ".join(f"{self.word(entity, item)}: {item}" for item in items)
            lines += [f"    fields: {{ name: Nazwa, {texts} }}"] if items else []
        lines.append("forms:")
        for entity, items in self.model.fields.items():
            lines += [
                f"  {self.named('form', f'{entity}_main')}:",
                "    controls:",
                "      name: A",
            ]
            lines += [f"      {self.word(entity, item)}: {item}" for item in items]
        lines.append("views:")
        for entity in self.model.fields:
            lines.append(f"  {self.named('view', f'{entity}_all')}: {entity}")
        self.put("labels", "pl", lines)

    def menu(self):
        lines = [
            "kind: navigation", "format: 1", "name: yard", "label: { en: Yard }", "groups:",
            "  - name: boat", "    entries:",
        ]  # fmt: skip
        for entity in self.model.fields:
            view = self.named("view", f"{entity}_all")
            lines.append(f"      - {{ name: {entity}, entity: {self.word(entity)}, view: {view} }}")
        self.put("navigation", "yard", lines)


@st.composite
def models(draw):
    entities = draw(st.permutations(ENTITIES))[: draw(st.integers(1, 3))]
    fields: dict[str, dict[str, tuple[str, str]]] = {}
    for entity in entities:
        fields[entity] = {}
        for name in draw(st.lists(st.sampled_from(FIELDS), max_size=4, unique=True)):
            kind = draw(st.sampled_from(["text", "money", "choice", "lookup"]))
            target = draw(st.sampled_from(entities)) if kind == "lookup" else ""
            fields[entity][name] = kind, target
    return Model(fields, draw(st.lists(st.integers(0, 5), min_size=1, max_size=9)))


@settings(max_examples=25, deadline=None)
@given(models(), st.data())
def test_a_generated_app_means_the_same_under_other_names(model, data):
    entity = data.draw(st.sampled_from(sorted(model.fields)))
    olds = {entity: (entity,), f"view:{entity}_all": ("view", f"{entity}_all"),
            f"form:{entity}_main": ("form", f"{entity}_main"),
            f"rule:{entity}_rule": ("rule", f"{entity}_rule")}  # fmt: skip
    olds |= {f"{entity}.{item}": (entity, item) for item in model.fields[entity]}
    old = data.draw(st.sampled_from(sorted(olds)))
    before = model.texts()

    renamed = after_rename(before, old, "vessel")
    model.names[olds[old]] = "vessel"
    wanted = model.texts()

    comments_and_own_words = {  # which the writer takes from the names before
        name: text for name, text in without_memory(renamed.files).items()
    }
    assert comments_and_own_words == wanted
    assert renamed.registry == assembled(wanted)

    former = old.rpartition(":")[2].rpartition(".")[2]
    back = after_rename(renamed.files, old.removesuffix(former) + "vessel", former)
    assert without_memory(back.files) == before
    assert back.registry == assembled(before)


# --- what YAML makes difficult ----------------------------------------------------------------

BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name } }
  - name: payer
    type: text
    label: { en: Payer }
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  - name: payer\n", "  - name: owed_by\n    renamed_from: payer\n"),
        ("  -   name: 'payer' # x\n      searchable: true\n",
         "  -   name: 'owed_by' # x\n      renamed_from: payer\n      searchable: true\n"),
        ("  - { name: payer, searchable: true }\n",
         "  - { name: owed_by, renamed_from: payer, searchable: true }\n"),
        ("  - name: payer\n    renamed_from: debtor  # first\n",
         "  - name: owed_by\n    renamed_from: [debtor, payer]  # first\n"),
        ("  - name: payer\n    renamed_from: [one, two]\n",
         "  - name: owed_by\n    renamed_from: [one, two, payer]\n"),
        ("  - name: payer\n    renamed_from:\n      - one  # 1\n      - two\n",
         "  - name: owed_by\n    renamed_from:\n      - one  # 1\n      - two\n      - payer\n"),
        ("  - name: payer\n    renamed_from: owed_by\n",
         "  - name: owed_by\n    renamed_from: payer\n"),
        ("  - name: payer\n    renamed_from: [one, owed_by]\n",
         "  - name: owed_by\n    renamed_from: [one, payer]\n"),
        ("  - name: payer\n    renamed_from:\n      - owed_by\n      - one\n",
         "  - name: owed_by\n    renamed_from:\n      - one\n      - payer\n"),
        ("  - type: text\n    name: payer",
         "  - type: text\n    name: owed_by\n    renamed_from: payer"),
    ],
)  # fmt: skip
def test_the_definition_remembers_its_former_names(before, after):
    head = BOAT.partition("  - name: payer")[0]
    before, after = head + before, head + after
    field_text = "    type: text\n    label: { en: Payer }\n"
    if "{ name: payer" in before:
        before = before.replace("searchable: true", "type: text, label: { en: Payer }")
        after = after.replace("searchable: true", "type: text, label: { en: Payer }")
    elif "  -   name" in before:
        before += field_text.replace("    ", "      ")
        after += field_text.replace("    ", "      ")
    elif "- type" in before:
        before = before.replace("- type: text", "- type: text\n    label: { en: Payer }")
        after = after.replace("- type: text", "- type: text\n    label: { en: Payer }")
    else:
        before, after = before + field_text, after + field_text
    files = after_rename({"entities/boat.yaml": before}, "boat.payer", "owed_by").files
    assert files == {"entities/boat.yaml": after}


def test_line_ends_and_a_byte_order_mark_stay():
    text = "\ufeff" + BOAT.replace("\n", "\r\n")
    files = after_rename({"entities/boat.yaml": text}, "boat.payer", "owed_by").files
    wanted = text.replace("name: payer\r\n", "name: owed_by\r\n    renamed_from: payer\r\n")
    assert files == {"entities/boat.yaml": wanted}


@pytest.mark.parametrize(
    "label",
    [
        '"{field:boat.payer} \\u0142 \\"x\\" {field:boat.payer}"',
        "'it''s {field:boat.payer}'",
        "|\n    {field:boat.payer}\n    and {entity:boat}\n",
        ">-\n    one\n    {field:boat.payer}\n",
        '"one \\\n     {field:boat.payer}"',
        "żółć {field:boat.payer}",
    ],
)
def test_names_are_found_however_a_text_is_written(label):
    view = (
        "kind: view\nformat: 1\nname: boats\nentity: boat\ntype: public\ncolumns: [name]\n"
        f"label:\n  en: {label}\n"
    )
    files = {"entities/boat.yaml": BOAT, "views/boats.yaml": view}
    found = after_rename(files, "boat.payer", "owed_by")
    assert found.files["views/boats.yaml"] == view.replace("boat.payer", "boat.owed_by")


def test_a_name_hidden_in_escapes_is_not_touched():
    view = (
        "kind: view\nformat: 1\nname: boats\nentity: boat\ntype: public\ncolumns: [name]\n"
        'label: { en: "\\x41 {field:boat.payer}" }\n'
    )
    with pytest.raises(CannotEdit, match=r"views/boats.yaml:7:14: \"payer\" stands in a text"):
        after_rename({"entities/boat.yaml": BOAT, "views/boats.yaml": view}, "boat.payer", "x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("boat", "Boat", '"Boat" is no name'),
        ("boat", "boat", "is its name already"),
        ("boat", "systemuser", '"systemuser" is the name of another entity'),
        ("boat.payer", "name", '"boat" has a field "name" already'),
        ("boat.payr", "x", 'did you mean "payer"?'),
        ("boot", "x", 'did you mean "boat"?'),
        ("boat.boatid", "x", 'follows "boat"; rename the entity'),
        ("systemuser", "x", "is no part of this app"),
        ("thing:boat", "x", '"thing" is no kind of object'),
        ("boat.payer.x.y", "x", "is no name"),
        ("boat.statecode.active", "open", "comes from the platform"),
    ],
)
def test_what_is_no_rename_is_refused(old, new, message):
    with pytest.raises(CannotRename) as refused:
        after_rename({"entities/boat.yaml": BOAT}, old, new)
    assert message in str(refused.value)


def test_a_field_of_a_group_is_renamed_in_every_entity_that_has_it():
    files = {
        "field_groups/paid.yaml": (
            "kind: field_group\nformat: 1\nname: paid\nfields:\n"
            "  - { name: fee, type: money, label: { en: Fee } }\n"
        ),
        "entities/boat.yaml": BOAT + "includes: [paid]\n",
        "entities/pier.yaml": BOAT.replace("boat", "pier")
        + "  - { name: fee, min: 1 }\nincludes: [paid]\n",
        "views/piers.yaml": "kind: view\nformat: 1\nname: piers\nentity: pier\ntype: public\n"
        "label: { en: Piers }\ncolumns: [name, fee, fee_base]\n",
    }
    found = after_rename(files, "boat.fee", "charge")
    assert "- { name: charge, renamed_from: fee, type" in found.files["field_groups/paid.yaml"]
    assert "- { name: charge, min: 1 }" in found.files["entities/pier.yaml"]
    assert "[name, charge, charge_base]" in found.files["views/piers.yaml"]
    assert found.registry.entities["boat"].field_by_name["charge_base"].base_of == "charge"


def test_an_option_a_state_and_a_reason_are_renamed_in_conditions_and_labels():
    states = (
        "states:\n"
        "  - { name: open, value: 0, label: { en: Open }, reasons: [{ name: new, value: 1, "
        "label: { en: New } }, { name: old, value: 2, label: { en: Old }, next: [new] }] }\n"
        "  - { name: shut, value: 1, label: { en: Shut }, reasons: [{ name: done, value: 3, "
        "label: { en: Done } }] }\n"
        "transitions: [{ from: open, to: shut }]\n"
    )
    kind = (
        "  - { name: kind, type: multi_choice, label: { en: K }, options: [{ name: a, value: 1, "
        "label: { en: A } }, { name: b, value: 2, label: { en: B } }] }\n"
    )
    view = (
        "kind: view\nformat: 1\nname: boats\nentity: boat\ntype: public\ncolumns: [name]\n"
        "label: { en: Boats }\n"
        "filter: statecode eq 'open' and statuscode in ('new','old') and kind eq 'a, b'\n"
    )
    labels = (
        "kind: labels\nformat: 1\nname: pl\nlanguage: pl\nentities:\n  boat:\n"
        "    states: { open: O }\n    reasons: { new: N }\n    options: { kind: { a: A } }\n"
    )
    files = {
        "entities/boat.yaml": BOAT + kind + states, "views/boats.yaml": view,
        "labels/pl.yaml": labels,
    }  # fmt: skip
    for old, new in (("boat.statecode.open", "going"), ("boat.statuscode.new", "fresh"),
                     ("boat.kind.b", "bee"), ("boat.kind.a", "ay")):  # fmt: skip
        files = after_rename(files, old, new).files
    assert (
        "eq 'going' and statuscode in ('fresh','old') and kind eq 'ay, bee'"
        in (files["views/boats.yaml"])
    )
    assert "from: going, to: shut" in files["entities/boat.yaml"]
    assert "next: [fresh]" in files["entities/boat.yaml"]
    assert "renamed_from" not in files["entities/boat.yaml"], "their numbers say who they are"
    assert (
        "{ going: O }" in files["labels/pl.yaml"]
        and "{ kind: { ay: A } }" in (files["labels/pl.yaml"])
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("boat.masts", "poles"), ("boat.kind.sail", "sailing"), ("boat", "ship"),
        ("boat.harbour", "berth"), ("pier", "quay"), ("pier.boats", "ships"),
        ("pier.depth", "deep"),
    ],
)  # fmt: skip
def test_formulas_and_rollups_follow_what_they_name(old, new):
    files = {
        "bundle.yaml": "{kind: bundle, format: 1, name: app, label: {en: App}}\n",
        "entities/pier.yaml": """\
kind: entity
format: 1
name: pier
label: { en: Pier }
plural_label: { en: Piers }
ownership: none
fields:
  - { name: depth, type: decimal, label: { en: Depth } }
  - name: boats
    type: whole_number
    label: { en: Boats }
    rollup: { over: pier_boat_harbour, function: max, field: masts, filter: kind eq 'sail' }
  - { name: room, type: whole_number, label: { en: Room }, formula: 9 sub boats }
""",
        "entities/boat.yaml": """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
ownership: none
fields:
  - { name: masts, type: whole_number, label: { en: Masts } }
  - { name: harbour, type: lookup, target: pier, label: { en: Harbour } }
  - name: kind
    type: choice
    label: { en: Kind }
    options: [{ name: sail, value: 1, label: { en: Sail } }]
    formula: "case(masts gt 0:'sail')"
  - { name: is_near, type: yes_no, label: { en: Near }, formula: harbour/depth lt 3 }
""",
    }
    before = assembled(files)
    after = after_rename(files, old, new).registry
    assert len(after.entities) == len(before.entities)
    assert sum(len(entity.fields) for entity in after.entities.values()) == sum(
        len(entity.fields) for entity in before.entities.values()
    )


def test_every_mention_says_where_it_stands(tmp_path):
    files = Model(
        {"boat": {"size": ("money", ""), "crew": ("lookup", "boat")}}, [0, 1, 2, 3]
    ).texts()
    layers = load_bundles([BASE, written(tmp_path, files)], shown_from=tmp_path)
    registry = assemble(layers)
    found = list(references(layers[1], registry))
    for reference in found:
        place = reference.location
        line = files[place.file].split("\n")[place.line - 1]
        if reference.mark.text_shift >= 0:
            here = place.column - 1
            shift = line[:here].count("''")  # quotes that are written twice
            assert reference.target.name in line[here : here + 99] or shift
    assert ObjectName("field", "size_base", "boat") in {item.target for item in found}
