"""The documentation says everything that the code has, and its examples work."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from kartoteka.loading.document_schemas import schema_of
from kartoteka.model.field_types import COMMON_KEYS, FIELD_TYPES
from kartoteka.plugin_api import contexts, hookspecs, jobs, operations
from kartoteka_runtime import app_folder
from kartoteka_runtime.cli.main import app as command_line

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
SCHEMAS = ROOT / "platform" / "kartoteka" / "schemas"
KINDS = sorted(
    path.name.removesuffix(".schema.json")
    for path in SCHEMAS.glob("*.schema.json")
    if path.name != "shared.schema.json"
)
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]
)
CODE = re.compile(r'"([a-z_]+/[a-z][a-z0-9-]*)"')
EXAMPLE = re.compile(r"^```yaml\n# (metadata/[\w/.-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Return what stands below ``## heading``, with its subsections."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, f'there is no section "{heading}"'
    return found.group(1)


def keys_in(schema: Any) -> Iterator[str]:
    """Yield every key that a shape knows, at any depth."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties":
                yield from value
            yield from keys_in(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from keys_in(item)


def missing(text: str, words: Any) -> list[str]:
    return sorted(word for word in words if f"`{word}`" not in text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_document_kind_is_described(kind):
    schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    text = page("metadata.md")
    heading = "labels files" if kind == "labels" else kind
    about = section(text, "Keys of every document") + section(text, heading)
    if kind in ("field_group", "choice"):  # the shape of fields and options stands elsewhere
        about += section(text, "entity")
    assert not missing(about, keys_in(schema))


def load_tool(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_of_keys_are_what_the_schemas_say():
    pages = load_tool("reference").pages()
    assert pages
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, "run `python -m tools.reference`"


def test_every_shipped_role_has_its_table():
    text = page("security-roles.md")
    roles = load_tool("reference").shipped_registry().roles
    assert {name for name in roles if f"<!-- role: {name} -->" not in text} == set()


def test_every_map_that_metadata_may_hold_has_its_table():
    tool = load_tool("reference")
    text = "".join(path.read_text(encoding="utf-8") for path in tool.pages())
    hand_written = {"document"}
    assert {name for name in tool.tables() if f"<!-- keys: {name} -->" not in text} == hand_written
    told = {key for table in tool.tables().values() for key in table}
    assert told >= {key for kind in KINDS for key in keys_in(schema_of(kind))}


def test_every_field_type_and_key_of_a_field_is_described():
    shared = json.loads((SCHEMAS / "shared.schema.json").read_text(encoding="utf-8"))
    types = page("field-types.md")
    assert not missing(types, FIELD_TYPES)
    assert not missing(page("metadata.md"), COMMON_KEYS)
    assert not missing(types + page("metadata.md"), keys_in(shared))
    for field_type in FIELD_TYPES.values():
        row = next(
            line for line in types.splitlines() if re.match(rf"\| \[?`{field_type.name}`", line)
        )
        own = field_type.keys - FIELD_TYPES["lookup"].keys
        assert not missing(row, own), f"in the row of {field_type.name}"
        assert not missing(types, field_type.formats)


def test_every_diagnostic_is_described():
    codes = {
        code
        for path in (ROOT / "platform" / "kartoteka").rglob("*.py")
        for code in CODE.findall(path.read_text(encoding="utf-8"))
        if not code.startswith("application/")
    }
    assert codes
    assert not missing(page("diagnostics.md"), codes)


def test_every_hook_is_described():
    hooks = [
        name
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if hasattr(function, "kartoteka_spec")
    ]
    assert hooks
    for hook in hooks:
        assert section(page("hooks.md"), hook)


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("record_handlers", "WriteContext"),
        ("command_handlers", "CommandContext"),
        ("command_handlers", "CommandResult"),
        ("api_operations", "ApiOperation"),
        ("api_operations", "ApiValue"),
        ("api_operations", "OperationContext"),
        ("panels", "PanelContext"),
        ("panels", "PanelRows"),
        ("job_handlers", "JobHandler"),
        ("job_handlers", "JobContext"),
        ("job_queues", "JobQueue"),
        ("schedules", "Schedule"),
        ("sample_data", "SampleDataContext"),
        ("Records", "Records"),
    ],
)
def test_everything_a_hook_receives_or_returns_is_described(heading, name):
    found = (getattr(module, name, None) for module in (contexts, jobs, operations))
    kind = next(filter(None, found))
    parts = {item for item in vars(kind) if not item.startswith("_")}
    if dataclasses.is_dataclass(kind):
        parts |= {item.name for item in dataclasses.fields(kind)}
    text = section(page("hooks.md"), heading)
    assert not [part for part in sorted(parts) if not re.search(rf"`{part}[`(]", text)]


def commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))
    if not hasattr(command, "commands"):
        yield " ".join(words), command


COMMANDS = dict(commands(typer.main.get_command(command_line), ("kartoteka",)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described_with_its_options(name):
    text = section(page("commands.md"), name)
    options = {
        option
        for parameter in COMMANDS[name].params
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    }
    assert not [option for option in sorted(options) if option not in text]
    assert inspect.getdoc(COMMANDS[name].callback), "the command has no help"


def test_every_setting_is_described():
    text = page("settings.md")
    internal = {"KARTOTEKA_SERVED_APP"}
    variables = {
        name
        for path in (ROOT / "runtime").rglob("*.py")
        for name in re.findall(r'"(KARTOTEKA_[A-Z_]+)"', path.read_text(encoding="utf-8"))
    } - internal
    assert variables
    assert not missing(text, variables | app_folder._KEYS)


def test_every_family_of_messages_and_every_violation_is_described():
    files = (ROOT / "metadata" / "labels").glob("en*.yaml")
    labels = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    keys = {key for one in labels for key in one["messages"]}
    text = page("messages.md")
    assert not missing(text, {key.split(".")[0] for key in keys})
    assert not missing(text, {key for key in keys if key.startswith("violation.")})


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    path = ROOT / name
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {anchor_of(heading) for heading in headings}, f"{name}: {target}"


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def examples(name: str) -> dict[str, str]:
    """Return ``{path below metadata/: text}``; where a page gives a file twice, the last one."""
    found = EXAMPLE.findall((DOCS / name).read_text(encoding="utf-8"))
    return {path.removeprefix("metadata/"): text for path, text in found}


@pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
@pytest.mark.parametrize(
    "name",
    sorted(
        path.relative_to(DOCS).as_posix()
        for path in DOCS.rglob("*.md")
        if EXAMPLE.search(path.read_text(encoding="utf-8"))
    ),
)
async def test_examples_can_be_published(name, start_app):
    app = await start_app(metadata=examples(name))
    assert app.parts.live_registry.current.number == 1


async def test_the_first_record_type_is_on_screen_after_a_dozen_lines(start_app):
    path, text = EXAMPLE.findall((DOCS / "tutorials/first-record-type.md").read_text("utf-8"))[0]
    assert len(text.splitlines()) == 12
    app = await start_app(metadata={path.removeprefix("metadata/"): text})
    records = await app.records_as("system_administrator")
    boat = await records.create("harbour_boat", {"name": "Gaviota"})

    async with app.client_as("system_administrator") as client:
        home = await client.get("/", follow_redirects=True)
        listed = await client.get("/e/harbour_boat")
        form = await client.get(f"/e/harbour_boat/{boat}")
        empty = await client.get("/e/harbour_boat/new")

    assert "/e/harbour_boat" in home.text
    assert listed.status_code == 200 and "Gaviota" in listed.text and "Boats" in listed.text
    assert form.status_code == 200 and 'value="Gaviota"' in form.text
    assert empty.status_code == 200 and 'name="name"' in empty.text


async def test_the_finished_tutorial_shows_what_it_says(start_app):
    app = await start_app(metadata=examples("tutorials/first-record-type.md"))
    records = await app.records_as("system_administrator")
    payer = await records.create("account", {"name": "Alpine Ski House"})
    await records.create("harbour_boat", {"name": "Gaviota", "kind": 1})

    async with app.client_as("system_administrator", language="pl") as client:
        unpaid = await client.get("/e/harbour_boat?view=harbour_boats_without_payer")
        account = await client.get(f"/e/account/{payer}")

    assert "Gaviota" in unpaid.text and "Żaglówka" in unpaid.text
    assert "Łodzie bez płatnika" in unpaid.text
    assert "Łodzie" in account.text


async def test_the_scaffold_of_a_record_type_is_the_tutorials(tmp_path, monkeypatch):
    from kartoteka_runtime.cli.new import new_entity, write_app

    folder = tmp_path / "harbour"
    write_app(folder, name="harbour", label="Harbour", plugins=[], prefix="harbour")
    new_entity("boat", folder)
    made = (folder / "metadata/entities/harbour_boat.yaml").read_text(encoding="utf-8")
    shown = EXAMPLE.findall((DOCS / "tutorials/first-record-type.md").read_text("utf-8"))[0][1]
    assert made == shown


PLUGIN_FILE = re.compile(
    r"^```\w+\n# ((?:src|tests)/[\w/.-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@pytest.fixture
def tutorial_plugin(tmp_path, monkeypatch):
    """The plugin of the second tutorial, scaffolded, written and installed."""
    from kartoteka_runtime.cli.new import new_plugin

    monkeypatch.chdir(tmp_path)
    new_plugin("acme_cars")
    folder = tmp_path / "acme-cars"
    (folder / "src/acme_cars/notes.py").unlink()
    (folder / "src/acme_cars/metadata/entities/acme_note.yaml").unlink()
    for path, text in PLUGIN_FILE.findall((DOCS / "tutorials/first-plugin.md").read_text("utf-8")):
        (folder / path).write_text(text, encoding="utf-8")
    information = folder / "src" / "acme_cars-0.1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-cars\nVersion: 0.1.0\n"
    )
    (information / "entry_points.txt").write_text(
        "[kartoteka.plugins]\nacme_cars = acme_cars:plugin\n"
    )
    monkeypatch.syspath_prepend(str(folder / "src"))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "acme_cars"]:
        del sys.modules[name]


async def test_the_plugin_of_the_tutorial_passes_its_own_tests(tutorial_plugin, start_app):
    tests = runpy.run_path(str(tutorial_plugin / "tests/test_cars.py"))
    for name, test in tests.items():
        if name.startswith("test_"):
            await test(start_app)
