"""Changes not published yet: the plan in words, what needs agreement, and the publish itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from kartoteka.errors import AccessDenied
from kartoteka_runtime.publishing.plan import Plan, PlannedChange, Sample
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.customize.customizing import PUBLISH, Customizing
from kartoteka_runtime.web.customize.origins import shown
from kartoteka_runtime.web.customize.publish_tasks import PublishTask

PLAN, CONSENT = "_plan", "_consent"
_MOST_SHOWN = 120  # characters of a value
_MOST_HARMLESS = 12  # changes of one entity that are shown without being asked for
_PROGRESS = "/customize/plan/progress"


@dataclass(frozen=True, slots=True)
class ChangeModel:
    """One change as the page shows it; ``samples`` carry the address of their record."""

    text: str
    facts: tuple[str, ...]
    warning: str
    blocked: str
    consent: str
    bundle: str
    retires: bool
    samples: tuple[tuple[Sample, str], ...]


async def show_plan(at: Customizing) -> Response:
    """Show what a publish would do."""
    if at.page.client.publish_tasks.last.is_running:
        return at.page.redirect(_PROGRESS)
    return _render(at, await at.page.client.publisher.plan(at.registry))


async def publish(at: Customizing) -> Response:
    """Publish exactly the plan that was shown; show the new one when the world has changed."""
    page = at.page
    if not page.may(PUBLISH):
        raise AccessDenied("error.forbidden", {"privilege": PUBLISH})
    post = await page.post()
    post.check_names({TOKEN, PLAN, CONSENT}, repeated={CONSENT})
    tasks = page.client.publish_tasks
    if tasks.last.is_running:
        return page.redirect(_PROGRESS)
    plan = await page.client.publisher.plan(at.registry)
    consents = frozenset(post.values.get(CONSENT, ())) & frozenset(plan.consents)
    if post.text(PLAN) != seal(plan):
        return _render(at, plan, status=409, problem=page.text("customize.plan_changed"))
    if plan.blocked:
        return _render(at, plan, status=422, problem=page.text("customize.plan_blocked"))
    if consents != frozenset(plan.consents):
        text = page.text("customize.consent_missing")
        return _render(at, plan, status=422, problem=text, consents=consents)
    made = await tasks.start(at.registry, plan, consents)
    if made.is_running:
        return page.redirect(_PROGRESS)
    if made.failure:
        newest = await page.client.publisher.plan(at.registry)
        text = page.text("customize.publish_failed", reason=made.failure)
        return _render(at, newest, status=409, problem=text)
    return page.redirect("/customize", "customize.published", {"number": made.number})


async def show_progress(at: Customizing) -> Response:
    """Show how far a publish is; a fragment that asks again, or a page with a link that does."""
    page, last = at.page, at.page.client.publish_tasks.last
    if page.is_fragment:
        return _progress(at, last, "fragments/_customize_progress.html")
    return _progress(at, last, "pages/customize/progress.html")


def _progress(at: Customizing, last: PublishTask, template: str) -> Response:
    return at.render(
        template,
        title=at.page.text("customize.plan"),
        part="plan",
        is_running=last.is_running,
        progress=last.progress,
        number=last.number,
        failure=last.failure,
    )


def _render(
    at: Customizing,
    plan: Plan,
    *,
    status: int = 200,
    problem: str = "",
    consents: frozenset[str] = frozenset(),
) -> Response:
    text = at.page.text
    return at.render(
        "pages/customize/plan.html",
        title=text("customize.plan"),
        part="plan",
        status=status,
        problem=problem,
        is_empty=plan.is_empty and not plan.drift,
        groups=list(planned_groups(at, plan)),
        drift=[str(one) for one in plan.drift],
        notes=plan.notes,
        consents=consents,
        may_publish=at.page.may(PUBLISH),
        is_blocked=bool(plan.blocked),
        seconds=at.page.text("customize.seconds", seconds=_seconds(plan.seconds)),
        plan=seal(plan),
    )


@dataclass(frozen=True, slots=True)
class GroupModel:
    """The changes of one entity: those to read, and harmless ones beyond the first few."""

    label: str
    name: str
    changes: tuple[ChangeModel, ...]
    more: tuple[ChangeModel, ...]


def planned_groups(at: Customizing, plan: Plan) -> Iterator[GroupModel]:
    """Yield the changes of each entity, what matters most first; the app's own come last."""
    names = list(dict.fromkeys(change.entity for change in plan.changes))
    for name in sorted(names, key=lambda one: (one == "", one)):
        label = at.words.labels.entities(name, at.page.language) if name else ""
        found = [change for change in plan.changes if change.entity == name]
        found.sort(key=lambda change: change.is_additive)
        first = max(_MOST_HARMLESS, sum(not change.is_additive for change in found))
        models = tuple(_model(at, change) for change in found)
        yield GroupModel(
            label or at.page.text("customize.whole_app"), name, models[:first], models[first:]
        )


def _model(at: Customizing, change: PlannedChange) -> ChangeModel:
    return ChangeModel(
        text=sentence(at, change),
        facts=tuple(_facts(at, change)),
        warning=change.warning,
        blocked=change.blocked,
        consent=change.consent,
        bundle=at.bundle(change.bundle) if change.bundle else "",
        retires=change.retires,
        samples=tuple(_samples(at, change)),
    )


def sentence(at: Customizing, change: PlannedChange) -> str:
    """Return a change in the reader's language; in English where the client has no message."""
    if change.code == "definition" and "path" in change.params:
        return _definition(at, change.params)
    key = f"plan.{change.code.replace('/', '_')}"
    params: dict[str, Any] = {name: _plain(value) for name, value in change.params.items()}
    text = at.page.text(key, **params)
    return change.words if text == key else text


def _definition(at: Customizing, params: Mapping[str, Any]) -> str:
    """Return a difference between definitions: what, and its value before and after.

    What is live may be older than these sentences; then it is told in English.
    """
    text = at.page.text
    if text("plan.definition_gone") == "plan.definition_gone":
        return str(params["sentence"])
    steps = [str(step) for step in params["path"]]
    named = " / ".join(filter(None, (str(params["name"]), *steps)))
    what = f"{text('customize.kind.' + str(params['kind']))} {named}".strip()
    before, after = (_cut(shown(params.get(key))) for key in ("before", "after"))
    if "before" not in params:
        return text("plan.definition_new", what=what, after=after if steps else "")
    if "after" not in params:
        return text("plan.definition_gone", what=what)
    empty = text("form.empty_value")
    return text("plan.definition_change", what=what, before=before or empty, after=after or empty)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _facts(at: Customizing, change: PlannedChange) -> Iterable[str]:
    text = at.page.text
    if change.rows is not None:
        yield text("customize.rows", count=change.rows)
    if change.unconverted:
        yield text("customize.unconverted", count=change.unconverted)
    if change.lock != "none":
        yield text(f"customize.lock.{change.lock}")
    if change.rewrites:
        yield text("customize.rewrites")
    if change.seconds >= 1:
        yield text("customize.seconds", seconds=_seconds(change.seconds))


def _samples(at: Customizing, change: PlannedChange) -> Iterator[tuple[Sample, str]]:
    is_live = change.entity in at.page.registry.entities
    for sample in change.samples:
        yield sample, f"/e/{change.entity}/{sample.record_id}" if is_live else ""


def _seconds(seconds: float) -> str:
    return str(max(1, round(seconds)))


def seal(plan: Plan) -> str:
    """Return what two plans for the same world have in common, and no others."""
    losses = sorted((one.consent, one.unconverted) for one in plan.changes)
    world = [plan.live_number, plan.live, plan.wanted, plan.schema, losses]
    return hashlib.sha256(orjson.dumps(world)).hexdigest()
