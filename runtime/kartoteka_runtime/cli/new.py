"""`kartoteka new app|entity|field|form|plugin NAME`: files to start from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from jinja2 import Environment, StrictUndefined

from kartoteka.names import MAX_NAME_LENGTH, has_prefix, is_name, plural_of
from kartoteka.plugin_api.discovery import discover_plugins
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, print_error
from kartoteka_runtime.cli.new_field import new_field
from kartoteka_runtime.cli.new_form import new_form

LANGUAGES = ("en", "pl", "pt", "ro", "sl")
_SCAFFOLDS = Path(__file__).parent / "scaffolds"
_MAX_PREFIX_LENGTH = 15
_PREFIX = re.compile(r"[a-z][a-z0-9]{1,14}\Z")

new = typer.Typer(
    help="Make an app, a record type, a field, a form or a plugin to start from.",
    no_args_is_help=True,
)
new.command("field")(new_field)
new.command("form")(new_form)


def logical_name(value: str) -> str:
    """Return the name as it is.

    Raises:
        typer.BadParameter: It is no logical name.
    """
    if is_name(value):
        return value
    suggestion = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_0123456789")
    raise typer.BadParameter(
        f'"{value}" is no name: use lower-case letters, digits and single underscores, a letter '
        f"first, at most {MAX_NAME_LENGTH} in all"
        + (f', such as "{suggestion}".' if is_name(suggestion) else ".")
    )


def bundle_prefix(value: str) -> str:
    """Return the prefix as it is; the empty one asks nothing of names.

    Raises:
        typer.BadParameter: A bundle may not have it.
    """
    if not value or _PREFIX.match(value):
        return value
    raise typer.BadParameter(
        f'"{value}" is no prefix: use 2 to {_MAX_PREFIX_LENGTH} lower-case letters and digits, '
        "a letter first."
    )


NameArgument = Annotated[str, typer.Argument(parser=logical_name, metavar="NAME")]


@new.command("app")
def new_app(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name of the app and of the folder to make."),
    ],
    plugins: Annotated[
        str | None,
        typer.Option(
            help="Plugins to use, with commas between; nothing for none.",
            show_default="every installed one without sample data",
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            parser=bundle_prefix,
            metavar="PREFIX",
            help='What names of your own begin with; "" to go without.',
            show_default="made from NAME",
        ),
    ] = None,
    empty: Annotated[
        bool,
        typer.Option("--empty", help="Without the standard record types, and without plugins."),
    ] = False,
) -> None:
    """Make a folder that is an app: what it is made of, and a place for metadata."""
    folder = Path(name)
    app_name = logical_name(folder.name.replace("-", "_"))
    if folder.is_dir() and any(folder.iterdir()):
        print_error(f'"{folder}" holds something already; an app needs a new or empty folder.')
        raise typer.Exit(1)
    write_app(
        folder,
        name=app_name,
        label=_label(app_name),
        plugins=_named_plugins(plugins, empty=empty),
        prefix=_default_prefix(app_name) if prefix is None else prefix,
        is_standalone=empty,
    )
    answers.print(f"Made the app {folder}. Next:")
    answers.print(f"  cd {folder}")
    answers.print("  kartoteka new entity NAME    # a record type of your own")
    answers.print("  kartoteka publish            # make it so")


@new.command("entity")
def new_entity(name: NameArgument, app: AppArgument = HERE) -> None:
    """Add a record type to an app: one file with a name field, ready to publish."""
    prefix = _prefix_of(app)
    full_name = name if has_prefix(name, prefix) else f"{prefix}_{name}"
    own_name = full_name.removeprefix(f"{prefix}_") if prefix else full_name
    file = app / "metadata" / "entities" / f"{full_name}.yaml"
    if file.exists():
        print_error(f'"{file}" exists already.')
        raise typer.Exit(1)
    label = _label(own_name)
    facts = {
        "name": full_name,
        "label": label,
        "plural": plural_of(label),
        "primary_field": "name",
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_render(_SCAFFOLDS / "entity.yaml.jinja", facts), encoding="utf-8")
    answers.print(f"Made {file}.")
    answers.print("Add its fields there, then `kartoteka check` and `kartoteka publish`.")


@new.command("plugin")
def new_plugin(
    name: NameArgument,
    prefix: Annotated[
        str | None,
        typer.Option(
            parser=bundle_prefix,
            metavar="PREFIX",
            help="What the names it adds begin with.",
            show_default="NAME up to its first underscore",
        ),
    ] = None,
) -> None:
    """Make a plugin package NAME: metadata, a hook, and the tests that every plugin passes."""
    folder = Path(name.replace("_", "-"))
    if folder.exists():
        print_error(f'"{folder}" exists already.')
        raise typer.Exit(1)
    facts = {
        "name": name,
        "prefix": prefix or _default_prefix(name.partition("_")[0]),
        "label": _label(name),
        "class_name": "".join(part.capitalize() for part in name.split("_")) + "Plugin",
    }
    _write_scaffold(_SCAFFOLDS / "plugin", folder, facts)
    answers.print(f"Made the plugin {folder}; its README.md says how to try it.")


def write_app(
    folder: Path,
    *,
    name: str,
    label: str,
    plugins: Sequence[str],
    prefix: str,
    is_standalone: bool = False,
) -> None:
    """Write the files of an app that has no metadata of its own yet."""
    facts = {
        "is_standalone": is_standalone,
        "name": name,
        "label": label,
        "plugins": plugins,
        "languages": LANGUAGES,
        "prefix": prefix,
    }
    _write_scaffold(_SCAFFOLDS / "app", folder, facts)
    (folder / "metadata" / "entities").mkdir()


def _write_scaffold(source: Path, target: Path, facts: Mapping[str, Any]) -> None:
    """Render each file below ``source`` into the same place below ``target``."""
    for template in sorted(source.rglob("*.jinja")):
        place = str(template.relative_to(source)).removesuffix(".jinja")
        for key in ("name", "prefix"):
            place = place.replace("{{" + key + "}}", str(facts.get(key, "")))
        file = target / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_render(template, facts), encoding="utf-8")


def _render(template: Path, facts: Mapping[str, Any]) -> str:
    environment = Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML, TOML and Python of checked names: nothing to escape
    )
    return environment.from_string(template.read_text(encoding="utf-8")).render(facts)


def _prefix_of(app: Path) -> str:
    """Return the prefix that the app's bundle asks for, or "" when it asks for none."""
    bundle = app / "metadata" / "bundle.yaml"
    if not bundle.is_file():
        return ""
    try:
        document = yaml.safe_load(bundle.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f'"{bundle}" cannot be read; see `kartoteka check`.') from error
    prefix = document.get("prefix", "") if isinstance(document, dict) else ""
    return prefix if isinstance(prefix, str) else ""


def _installed_plugins() -> list[str]:
    return [plugin.name for plugin in discover_plugins(None) if not hasattr(plugin, "sample_data")]


def _named_plugins(text: str | None, *, empty: bool) -> list[str]:
    if text is not None:
        return _names(text)
    return [] if empty else _installed_plugins()


def _names(text: str) -> list[str]:
    return [logical_name(name.strip()) for name in text.split(",") if name.strip()]


def _default_prefix(app_name: str) -> str:
    prefix = app_name.replace("_", "")[:_MAX_PREFIX_LENGTH]
    return prefix if _PREFIX.match(prefix) else ""


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
