"""The repository has the shape that the house style promises."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOTS = ("platform", "runtime", "plugins")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = sorted(
    folder.parent.relative_to(ROOT).as_posix()
    for root in SOURCE_ROOTS
    for folder in (ROOT / root).glob("*/__init__.py")
)
PLUGINS = [package for package in PACKAGES if package.startswith("plugins/")]

# What platform and runtime may not know: the record types of a line of business.
BUSINESS_WORDS = re.compile(
    r"\b(opportunit(y|ies)|incidents?|campaigns?|salespersons?|marketing[ _]?lists?)\b",
    re.IGNORECASE,
)
BUSINESS_NAMES = {"lead", "leads", "case", "cases"}  # words of prose too: only as whole texts
# Where "case" is the function of the condition language, and of SQL.
LANGUAGE_FOLDERS = ("platform/kartoteka/conditions", "runtime/kartoteka_runtime/storage")
UNCLEAR_MODULE_NAMES = {"utils", "util", "helpers", "common", "manager", "base", "misc"}


def source_files(*roots: str, suffixes: tuple[str, ...] = (".py",)) -> Iterator[Path]:
    for root in roots:
        for path in sorted((ROOT / root).rglob("*")):
            if path.suffix in suffixes and "vendor" not in path.parts:
                yield path


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_in_the_wheel_and_typed(package):
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert package in wheel["packages"], f"add {package} to packages in pyproject.toml"
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize("package", PLUGINS)
def test_plugin_has_an_entry_point_and_an_import_contract(package):
    module = Path(package).name
    entry_points = PYPROJECT["project"]["entry-points"]["kartoteka.plugins"]
    assert f"{module}:plugin" in entry_points.values(), f"give {module} an entry point"
    assert module in PYPROJECT["tool"]["importlinter"]["root_packages"]
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    assert module in layers[0].split(" | ")


def test_packages_named_in_pyproject_exist():
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(wheel["packages"]) == PACKAGES


def test_source_roots_are_not_packages():
    """A ``platform/__init__.py`` would hide Python's own module of that name."""
    for root in SOURCE_ROOTS:
        assert not (ROOT / root / "__init__.py").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))
    assert not (ROOT / "tests" / "platform").exists()


def test_no_package_hides_a_module_of_python():
    names = {Path(package).name for package in PACKAGES}
    assert not names & sys.stdlib_module_names


def test_modules_are_named_for_what_they_hold():
    unclear = [
        path.relative_to(ROOT).as_posix()
        for path in source_files(*SOURCE_ROOTS)
        if path.stem in UNCLEAR_MODULE_NAMES
    ]
    assert not unclear


def test_platform_and_runtime_know_no_business_type():
    suffixes = (".py", ".html", ".jinja", ".js", ".css", ".json")
    named = [
        f"{path.relative_to(ROOT)}:{number}: {found.group()}"
        for path in source_files("platform", "runtime", suffixes=suffixes)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := BUSINESS_WORDS.search(line))
    ]
    assert not named, "\n".join(named)


def test_platform_and_runtime_hold_no_business_name_as_a_text():
    named = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in source_files("platform", "runtime")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value in BUSINESS_NAMES
        and not (
            node.value == "case" and path.parent.relative_to(ROOT).as_posix() in LANGUAGE_FOLDERS
        )
    ]
    assert not named, "\n".join(named)


def test_folders_say_why_they_exist():
    for folder in (*SOURCE_ROOTS, "metadata", "tests"):
        assert (ROOT / folder / "README.md").is_file(), f"{folder}/README.md is missing"


def test_lock_file_names_no_registry():
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def test_continuous_integration_runs_what_the_readme_says():
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme and "make test" in readme
