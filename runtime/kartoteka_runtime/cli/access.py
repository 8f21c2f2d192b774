"""`kartoteka access USER ENTITY [ID]`: what somebody may do with a record, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from kartoteka.access.explain import Answer, Cause, ColumnAnswer, RoleGrant
from kartoteka.location import NOWHERE, Location
from kartoteka.names import did_you_mean
from kartoteka.record_values import Reference
from kartoteka_runtime.cli.app_argument import APP_FILE, existing_app
from kartoteka_runtime.cli.console import answers, remarks
from kartoteka_runtime.cli.known_users import user_called
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.records.access_sentences import AccessSentences
from kartoteka_runtime.records.explain_access import EntityExplanation, RecordExplanation
from kartoteka_runtime.runtime_parts import RuntimeParts

HERE = Path(".")
Explanation = RecordExplanation | EntityExplanation


def access(
    user: Annotated[str, typer.Argument(metavar="USER", help="The name the user signs in with.")],
    entity: Annotated[
        str, typer.Argument(metavar="ENTITY", help="The logical name of a record type.")
    ],
    record_id: Annotated[
        str,
        typer.Argument(metavar="[ID]", help="The id of a record.", show_default="what roles give"),
    ] = "",
    app: Annotated[
        Path, typer.Option("--app", parser=existing_app, help=f"Folder with {APP_FILE}.")
    ] = HERE,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with every cause.")] = False,
) -> None:
    """Tell what a user may do with a record, or what their roles give, and why."""

    async def work(parts: RuntimeParts) -> tuple[Explanation, AccessSentences]:
        known = parts.live_registry.current.registry.entities
        if entity not in known:
            hint = did_you_mean(entity, known)
            told = f'there is no record type "{entity}"{"; " + hint if hint else ""}'
            raise typer.BadParameter(told)
        user_id = await user_called(parts, user)
        system = parts.records.acting_as(SYSTEM)
        found: Explanation
        if record_id:
            found = await parts.explainer.explain(system, user_id, entity, record_id)
        else:
            found = await parts.explainer.explain_entity(system, user_id, entity)
        return found, _sentences(parts, found)

    found, words = with_published_app(app, work)
    if json:
        shown = _as_json(found, words)
        typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
    elif isinstance(found, RecordExplanation):
        _print_record(found, words)
    else:
        _print_entity(found, words)


def _sentences(parts: RuntimeParts, found: Explanation) -> AccessSentences:
    published = parts.live_registry.current
    languages = published.registry.languages
    language = "en" if "en" in languages else published.registry.base_language
    return AccessSentences(
        published.registry, published.labels, language, found.names, found.user.id
    )


def _print_record(found: RecordExplanation, words: AccessSentences) -> None:
    record = found.record
    heading = Text(f"{found.user.name} and {record.reference.entity} ", style="bold")
    answers.print(heading.append(record.reference.name or record.reference.id))
    if record.owner is not None:
        owner, unit = _named(record.owner, found.names), found.names.get(record.unit_id, "")
        remarks.print(f"owned by {owner}" + (f" in {unit}" if unit else ""))
    table = Table("privilege", "", "why", "role", box=None, pad_edge=False)
    for privilege, answer in found.answers.items():
        table.add_row(
            privilege,
            _yes(answer.is_allowed),
            words.of(answer, answer.cause),
            _place(_locations(answer.cause)),
        )
    answers.print(table)
    _print_columns(found.columns)


def _print_entity(found: EntityExplanation, words: AccessSentences) -> None:
    answers.print(Text(f"{found.user.name} and every {found.entity}", style="bold"))
    table = Table("privilege", "level", "by", "role", box=None, pad_edge=False)
    for privilege, grants in found.grants.items():
        if not grants:
            table.add_row(privilege, Text("none", style="red"), "", "")
        for index, grant in enumerate(grants):
            table.add_row(
                "" if index else privilege,
                Text(grant.level, style="dim" if index else "green"),
                _grant_text(grant, found.names, words),
                _place((grant.location,)),
            )
    answers.print(table)
    _print_columns(found.columns)


def _print_columns(columns: Sequence[ColumnAnswer]) -> None:
    if not columns:
        return
    table = Table(
        "field", "read", "create", "update", "hidden in part", "profiles", box=None, pad_edge=False
    )
    for column in columns:
        profiles = dict.fromkeys(
            f"{name} {_place((where,))}".strip()
            for places in column.profiles.values()
            for name, where in places
        )
        table.add_row(
            column.field,
            _yes(column.read),
            _yes(column.create),
            _yes(column.update),
            _masked(column),
            ", ".join(profiles) or "–",
        )
    answers.print()
    answers.print(table)


def _masked(column: ColumnAnswer) -> str:
    if not column.is_masked:
        return ""
    return "until asked for" if column.may_unmask else "always"


def _yes(answer: bool) -> Text:
    return Text("yes", style="green") if answer else Text("no", style="red")


def _grant_text(grant: RoleGrant, names: Mapping[str, str], words: AccessSentences) -> str:
    text = words.role(grant)
    if grant.level in ("business_unit", "parent_child"):
        text += f", from {names.get(grant.unit_id) or grant.unit_id}"
    if grant.is_team_bound:
        text += ", for records of the team only"
    return text


def _locations(cause: Cause) -> Iterable[Location]:
    grants = (cause.grant,) if cause.grant is not None else cause.roles
    return dict.fromkeys(grant.location for grant in grants)


def _place(locations: Iterable[Location]) -> str:
    return ", ".join(f"{one.file}:{one.line}" for one in locations if one != NOWHERE)


def _named(reference: Reference, names: Mapping[str, str]) -> str:
    return reference.name or names.get(reference.id) or reference.id


def _as_json(found: Explanation, words: AccessSentences) -> dict[str, Any]:
    shown: dict[str, Any] = {"user": _reference(found.user, found.names)}
    if isinstance(found, RecordExplanation):
        shown["record"] = _reference(found.record.reference, found.names)
        shown["owner"] = found.record.owner and _reference(found.record.owner, found.names)
        shown["business_unit"] = found.names.get(found.record.unit_id, "")
        shown["privileges"] = {
            name: _answer(answer, found.names, words) for name, answer in found.answers.items()
        }
    else:
        shown["entity"] = found.entity
        shown["privileges"] = {
            name: [_grant(grant, found.names) for grant in grants]
            for name, grants in found.grants.items()
        }
    shown["columns"] = [_column(column) for column in found.columns]
    return shown


def _answer(answer: Answer, names: Mapping[str, str], words: AccessSentences) -> dict[str, Any]:
    return {
        "is_allowed": answer.is_allowed,
        "why": words.of(answer, answer.cause),
        "decided_by": answer.about and _reference(answer.about, names),
        "privilege_there": answer.asked,
        "causes": [
            {
                "kind": cause.kind,
                "text": words.of(answer, cause),
                "grant": cause.grant and _grant(cause.grant, names),
                "roles": [_grant(grant, names) for grant in cause.roles],
            }
            for cause in answer.causes
        ],
    }


def _grant(grant: RoleGrant, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "role": grant.role,
        "level": grant.level,
        "business_unit": names.get(grant.unit_id, ""),
        "team": names.get(grant.team_id, ""),
        "is_for_team_records_only": grant.is_team_bound,
        **_location(grant.location),
    }


def _column(column: ColumnAnswer) -> dict[str, Any]:
    return {
        "field": column.field,
        "read": column.read,
        "create": column.create,
        "update": column.update,
        "is_masked": column.is_masked,
        "may_unmask": column.may_unmask,
        "profiles": {
            verb: [{"profile": name, **_location(where)} for name, where in places]
            for verb, places in column.profiles.items()
            if places
        },
    }


def _location(location: Location) -> dict[str, Any]:
    return {} if location == NOWHERE else {"file": location.file, "line": location.line}


def _reference(reference: Reference, names: Mapping[str, str]) -> dict[str, str]:
    named = reference.name or names.get(reference.id, "")
    return {"entity": reference.entity, "id": reference.id, "name": named}
