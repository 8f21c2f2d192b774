"""`kartoteka explain NAME [APP]`: the resolved value of every property, and who set it where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from kartoteka.explanation import ExplainedProperty, explain, permission
from kartoteka.loading.named_lists import NAMED_LISTS
from kartoteka.model.set_by import SetBy
from kartoteka.registry import Registry
from kartoteka.subjects import Subject, find_subjects, nearest_subjects
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, counted, print_error, remarks

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="account, account.name, account.name.label.pl, form:account_main, role:auditor …",
        show_default=False,
    ),
]


def explain_command(
    name: NameArgument,
    app: AppArgument = HERE,
    all_parts: Annotated[
        bool, typer.Option("--all", help="Also each property of its parts, such as fields.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print every property and its layers as JSON.")
    ] = False,
) -> None:
    """Show what each property of an object is, and every file and line that set it."""
    registry = load_app_folder(app).registry()
    subject = _one_subject(registry, name)
    found = explain(registry, subject.kind, subject.name, *subject.path)
    if json:
        typer.echo(orjson.dumps(_as_json(subject, found), option=orjson.OPT_INDENT_2).decode())
        return
    answers.print(Text(str(subject), style="bold"))
    _print_permission(registry, subject)
    depth = len(subject.path)
    own = [item for item in found if all_parts or not _is_of_part(item.path[depth:])]
    for item in own:
        _print_property(item, depth)
    if not all_parts:
        _print_parts([item for item in found if _is_of_part(item.path[depth:])], depth)
    changed = [item for item in found if len(item.bundles) > 1 and not item.adds_up]
    if changed:
        remarks.print(
            f"{counted(len(changed), 'property', 'properties')} changed by a later layer."
        )


def _one_subject(registry: Registry, name: str) -> Subject:
    """Return what a name means; a name of nothing, or of several things, ends the command."""
    subjects = find_subjects(registry, name)
    if len(subjects) == 1:
        return subjects[0]
    if subjects:
        print_error(f'"{name}" may mean several things; say which:')
        for subject in subjects:
            answers.print(_full_name(subject))
    else:
        near = nearest_subjects(registry, name)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        print_error(f'there is nothing called "{name}"{hint}')
    raise typer.Exit(1)


def _print_permission(registry: Registry, subject: Subject) -> None:
    """Print what later bundles may change, where that is not everything."""
    told = permission(registry, subject.kind, subject.name, *subject.path)
    if told is None or told.allowed is True:
        return
    listed = ", ".join(told.allowed) if isinstance(told.allowed, tuple) else "nothing"
    answers.print(Text(f"  bundle {told.bundle} lets later ones change: {listed}", style="yellow"))


def _full_name(subject: Subject) -> str:
    return f"{subject.kind}:{'.'.join((subject.name, *subject.path))}"


def _is_of_part(steps: tuple[str, ...]) -> bool:
    """Return whether a property belongs to an item of a list, not to the thing itself."""
    return len(steps) > 1 and steps[0] in NAMED_LISTS


def _print_property(item: ExplainedProperty, depth: int) -> None:
    line = Text(f"  {'.'.join(item.path[depth:]) or item.path[-1]}", style="cyan")
    line.append(f"  {_shown(item.value)}", style="default")
    if item.is_default:
        line.append("  default", style="dim default")
    answers.print(line)
    for layer in item.set_by:
        wins = item.adds_up or layer is item.set_by[-1]
        answers.print(_layer(layer, wins=wins))
    if len(item.bundles) > 1 and not item.adds_up:
        *below, top = item.bundles
        told = f"      {top} changes what {' and '.join(below)} says"
        answers.print(Text(told, style="yellow"))


def _layer(layer: SetBy, *, wins: bool) -> Text:
    place = f"{layer.location.file}:{layer.location.line}"
    if layer.is_derived:
        return Text(f"    ~ {place}  {layer.bundle}  follows from what stands there", style="dim")
    mark, style = (">", "default") if wins else (" ", "dim")
    return Text(f"    {mark} {place}  {layer.bundle}  {_shown(layer.value)}", style=style)


def _print_parts(items: Sequence[ExplainedProperty], depth: int) -> None:
    """Print one line for each part: its list, its name, and the bundles that have a say in it."""
    bundles: dict[tuple[str, ...], dict[str, None]] = {}
    for item in items:
        part = item.path[depth : depth + 2]
        bundles.setdefault(part, {}).update(dict.fromkeys(item.bundles))
    for (listed, name), said in bundles.items():
        line = Text(f"  {listed}", style="dim")
        line.append(f"  {name}", style="not dim cyan")
        line.append(f"  {', '.join(said) or 'by itself'}", style="not dim default")
        answers.print(line)


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(_shown(item) for item in value)}]"
        case dict():
            return f"{{ {', '.join(f'{key}: {_shown(item)}' for key, item in value.items())} }}"
        case "":
            return '""'
        case _:
            return repr(value) if isinstance(value, str) and value != value.strip() else str(value)


def _as_json(subject: Subject, found: Sequence[ExplainedProperty]) -> dict[str, Any]:
    return {
        "subject": str(subject),
        "kind": subject.kind,
        "name": subject.name,
        "path": subject.path,
        "properties": [
            {
                "path": item.path,
                "value": item.value,
                "is_default": item.is_default,
                "set_by": [
                    {
                        "bundle": layer.bundle,
                        "file": layer.location.file,
                        "line": layer.location.line,
                        "column": layer.location.column,
                        "value": layer.value,
                        "is_derived": layer.is_derived,
                    }
                    for layer in item.set_by
                ],
            }
            for item in found
        ],
    }
