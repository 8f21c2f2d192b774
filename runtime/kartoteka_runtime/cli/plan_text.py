"""A plan, told to a person: grouped by entity, what needs attention first in each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from kartoteka_runtime.cli.console import counted
from kartoteka_runtime.publishing.plan import Plan, PlannedChange

_MOST_OF_A_KIND = 12  # told one by one; of more only the first few and how many
_SHOWN_OF_MANY = 3
_MOST_NAMED = 200
_LOCKS = {
    "brief": "holds writers of the table up for a moment",
    "table": "holds all writers up while it runs",
}
_SHORTEST_TOLD = 0.5  # seconds


def describe_plan(plan: Plan) -> Iterator[Text]:
    """Yield the lines of a plan: changes under their entities, then notes."""
    if plan.live_number == 0:
        yield from _everything(plan)
        return
    groups: dict[str, list[PlannedChange]] = {}
    for change in plan.changes:
        groups.setdefault(change.entity, []).append(change)
    for entity in sorted(groups):
        yield Text(entity or "The app", style="bold")
        yield from _group(groups[entity])
    if plan.notes:
        yield Text("What lower layers changed under what upper ones say", style="bold")
        yield from (Text(f"  {note}") for note in plan.notes)
    harmless = [drift for drift in plan.drift if drift.is_harmless]
    if harmless:
        yield Text("Found in the database, and left alone", style="bold")
        yield from (Text(f"  {drift}") for drift in harmless)


def _everything(plan: Plan) -> Iterator[Text]:
    """Yield what the first publish makes: what needs attention, and the record types."""
    for change in plan.changes:
        if not change.is_additive:
            yield from _change(change)
    names = [str(change.params["name"]) for change in plan.changes if change.code == "entity/add"]
    yield Text(f"The first publication: {counted(len(names), 'record type')}")
    yield Text(f"  {', '.join(names[:_MOST_NAMED])}{' …' if len(names) > _MOST_NAMED else ''}")


def summary(plan: Plan) -> Text:
    """Return the last line of a plan: how much it is, and what it needs."""
    if plan.is_empty:
        return Text(f"Nothing to do: publication {plan.live_number} is live.", style="green")
    parts = [counted(len(plan.changes), "change")]
    if plan.seconds >= _SHORTEST_TOLD:
        parts.append(f"about {_duration(plan.seconds)}")
    text = Text(", ".join(parts) + ".")
    if plan.blocked:
        text.append(f" {counted(len(plan.blocked), 'change')} cannot be made.", style="bold red")
    if plan.consents:
        text.append(f" Needs consent: {', '.join(plan.consents)}.", style="bold yellow")
    return text


def _group(changes: Sequence[PlannedChange]) -> Iterator[Text]:
    """Yield the lines of one entity; of many harmless changes of a kind only the first few."""
    is_new = any(change.code == "entity/add" for change in changes)
    kinds = Counter(change.code for change in changes if change.is_additive)
    told: Counter[str] = Counter()
    for change in sorted(changes, key=lambda item: (item.is_additive, item.code != "entity/add")):
        if change.is_additive:
            told[change.code] += 1
            most = 0 if is_new and change.code == "definition" else _MOST_OF_A_KIND
            shown = kinds[change.code] if kinds[change.code] <= most else min(most, _SHOWN_OF_MANY)
            if told[change.code] > shown:
                if told[change.code] == kinds[change.code]:
                    left = kinds[change.code] - shown
                    yield Text(f"    {'and' if shown else 'with'} {left:,} more", style="dim")
                continue
        yield from _change(change)


def _change(change: PlannedChange) -> Iterator[Text]:
    style = "red" if change.blocked else "yellow" if not change.is_additive else "green"
    mark = "!" if change.blocked or change.consent else "-" if change.retires else "+"
    line = Text(f"  {mark} ", style=style).append(change.words, style="default")
    facts = list(_facts(change))
    if facts:
        line.append(f" ({', '.join(facts)})", style="dim")
    yield line
    if change.blocked:
        yield Text(f"      cannot be done: {change.blocked}", style="red")
    if change.warning:
        yield Text(f"      {change.warning}", style="yellow")
    for sample in change.samples:
        yield Text(f"      {sample.record_id}: {sample.reason}", style="dim")


def _facts(change: PlannedChange) -> Iterator[str]:
    if change.rows:
        is_of_records = change.code.startswith(("entity", "index"))
        yield counted(change.rows, "record" if is_of_records else "value")
    if change.lock in _LOCKS and change.rows:
        yield _LOCKS[change.lock]
    if change.seconds >= _SHORTEST_TOLD:
        yield f"about {_duration(change.seconds)}"
    if change.bundle:
        yield f"from {change.bundle}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    return counted(round(seconds / 60), "minute")
