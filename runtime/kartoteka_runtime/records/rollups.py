"""Rollups: what they come to for some records, worked out as the platform and written.

Whoever reads a rollup reads the same number: access plays no part in it. Writing one is no change
of the record that anybody made: it keeps its version, when it was changed and by whom, and no hook
hears of it (decisions/0031).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from kartoteka.calculated.fitting import fit
from kartoteka.calculated.rollups import CheckedRollup, rollups_of
from kartoteka.conditions.asker import Asker
from kartoteka.conditions.typed import AllOf, FieldPath, OneOf, TypedCondition, ValueKind
from kartoteka.errors import RecordInvalid, RecordNotFound, Violation
from kartoteka.model.field import ROLLUP_DATE, ROLLUP_STATE, RollupState
from kartoteka.query.query import Aggregate, AggregateFunction, Group, Query
from kartoteka_runtime.records.compiled_model import CompiledEntity
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_access import require_record
from kartoteka_runtime.records.rollup_changes import CURRENCY, RATE
from kartoteka_runtime.storage.database import BadParameter

MOST_LEVELS = 100  # of a tree. Source: reference platform, section 2.4
MOST_LEVELS_ON_DEMAND = 10  # Source: reference platform, section 1.9
_NOBODY = Asker()
_IDS_AT_ONCE = 500
_MOST_ROWS = 10_000_000
_DIGITS = 80  # that sums and their parts are worked out with


@dataclass(frozen=True, slots=True)
class _Figure:
    """What some records come to: their sum, least or greatest value, and how many there are."""

    value: Any
    count: int


async def calculate(
    op: Operation,
    entity: str,
    ids: Sequence[str],
    *,
    names: Collection[str] = (),
    most_levels: int = MOST_LEVELS,
) -> dict[str, dict[str, Any]]:
    """Work out rollups of records, write them, and return what was written, by id.

    The records are held first, so that of two calculations the one that writes last has also
    looked last. Records that are gone are left out.

    Args:
        op: In the transaction that writes.
        entity: Of the records.
        ids: Which records.
        names: Which rollups; all of the entity unless named.
        most_levels: How deep a tree may be.
    """
    compiled = op.entity(entity)
    rollups = [
        item
        for item in rollups_of(op.model.registry, entity)
        if not names or item.field.name in names
    ]
    held = {}
    for record_id in sorted(ids):
        before = await compiled.queries.read(
            op.connection,
            record_id,
            names=_needed(compiled, rollups),
            for_update=True,
            keeps_id=True,
        )
        if before is not None:
            held[record_id] = before
    written: dict[str, dict[str, Any]] = {record_id: {} for record_id in held}
    for rollup in rollups:
        async for record_id, figure, state in _figures(op, rollup, list(held), most_levels):
            rate = {**held[record_id], **written[record_id]}.get(RATE)
            written[record_id] |= _values(op, compiled, rollup, figure, state, rate)
    for record_id, values in written.items():
        compiled.formulas.write(values, held[record_id])
        if values:
            await compiled.queries.write_calculated(op.connection, record_id, values)
    return written


async def calculate_on_demand(
    op: Operation, entity: str, record_id: str, field: str
) -> dict[str, Any]:
    """Work out one rollup of a record now, and return what was written.

    Raises:
        RecordNotFound: There is no such record, or no such rollup.
        RecordInvalid: The tree below the record is too deep to be looked through now.
        AccessDenied: The principal may not change the record.
    """
    compiled = op.entity(entity)
    await require_record(op, entity, record_id, "write")
    item = compiled.entity.field_by_name.get(field)
    if item is None or item.rollup is None:
        raise RecordNotFound(entity, field)
    try:
        written = await calculate(
            op, entity, [record_id], names=[field], most_levels=MOST_LEVELS_ON_DEMAND
        )
    except BadParameter:
        raise RecordNotFound(entity, record_id) from None
    if record_id not in written:
        raise RecordNotFound(entity, record_id)
    values = written[record_id]
    if values[f"{field}{ROLLUP_STATE}"] == RollupState.HIERARCHY_LIMIT:
        params = {"max": MOST_LEVELS_ON_DEMAND}
        raise RecordInvalid(entity, [Violation(field, "violation.tree_too_deep", params)])
    return values


async def mark(op: Operation, entity: str, record_id: str, state: RollupState) -> None:
    """Write down that the rollups of a record cannot be worked out."""
    compiled = op.entity(entity)
    values = {
        f"{item.field.name}{ROLLUP_STATE}": int(state)
        for item in rollups_of(op.model.registry, entity)
    }
    if values:
        await compiled.queries.write_calculated(op.connection, record_id, values)


def first_values(op: Operation, entity: str) -> dict[str, Any]:
    """Return the rollups of a record that is being created, to which nothing can belong yet."""
    compiled = op.entity(entity)
    values: dict[str, Any] = {}
    for rollup in rollups_of(op.model.registry, entity):
        values |= _values(op, compiled, rollup, _Figure(None, 0), RollupState.CALCULATED, None)
    return values


async def parents_of(op: Operation, entity: str, record_id: str) -> list[str]:
    """Return the records above one whose rollups over the tree look at it, the nearest first."""
    parent = next(
        (item.parent for item in rollups_of(op.model.registry, entity) if item.parent), None
    )
    found: list[str] = []
    here = record_id
    while parent is not None and len(found) < MOST_LEVELS:
        record = await op.entity(entity).queries.read(op.connection, here, names=(parent.name,))
        above = record[parent.name] if record is not None else None
        if above is None or above.id in found or above.id == record_id:
            break
        here = above.id
        found.append(here)
    return found


def _needed(compiled: CompiledEntity, rollups: Iterable[CheckedRollup]) -> tuple[str, ...]:
    needed = {compiled.entity.primary_id, CURRENCY, RATE} & compiled.names
    if any(True for _ in rollups):
        needed |= compiled.formulas.needed
    return tuple(sorted(needed))


async def _figures(
    op: Operation, rollup: CheckedRollup, ids: Sequence[str], most_levels: int
) -> AsyncIterator[tuple[str, _Figure, RollupState]]:
    """Yield ``(record id, figure, state)`` of every record."""
    if rollup.parent is None:
        found = await _by_owner(op, rollup, ids)
        for record_id in ids:
            yield record_id, found.get(record_id, _Figure(None, 0)), RollupState.CALCULATED
        return
    for record_id in ids:
        below, state = await _tree(op, rollup, record_id, most_levels)
        if state is not RollupState.CALCULATED:
            yield record_id, _Figure(None, 0), state
            continue
        by_owner = await _by_owner(op, rollup, below)
        yield record_id, _together(rollup.function, by_owner.values()), state


async def _tree(
    op: Operation, rollup: CheckedRollup, root: str, most_levels: int
) -> tuple[list[str], RollupState]:
    """Return a record and everything below it."""
    assert rollup.parent is not None
    registry = op.model.registry
    entity = registry.entities[rollup.entity]
    identity = FieldPath((), entity.name, entity.field_by_name[entity.primary_id], ValueKind.ID)
    above = FieldPath((), entity.name, rollup.parent, ValueKind.ID)
    found, level = {root: None}, [root]
    for depth in range(most_levels + 1):
        children: list[str] = []
        for part in _parts(level):
            query = Query(
                entity.name, (identity,), OneOf(above, tuple(part)),
                limit=_MOST_ROWS, with_labels=False,
            )  # fmt: skip
            rows, _, _ = await op.model.queries.page(op.connection, query, _NOBODY)
            children += [str(row[identity.key]) for row in rows]
        if not children:
            break
        if depth == most_levels:
            return [], RollupState.HIERARCHY_LIMIT
        if any(child in found for child in children):
            return [], RollupState.LOOP
        found.update(dict.fromkeys(children))
        level = children
    return list(found), RollupState.CALCULATED


async def _by_owner(op: Operation, rollup: CheckedRollup, ids: Sequence[str]) -> dict[str, _Figure]:
    """Return the figure of each owner that anything belongs to."""
    owner = FieldPath((), rollup.items, rollup.item_field, ValueKind.ID)
    function = AggregateFunction(rollup.function)
    if function is AggregateFunction.AVG:
        function = AggregateFunction.SUM
    count = AggregateFunction.COUNT
    aggregates = (
        Aggregate("value", function, rollup.path), Aggregate("count", count, rollup.path),
    )  # fmt: skip
    found = {}
    for part in _parts(ids):
        condition: TypedCondition = OneOf(owner, tuple(part))
        if rollup.condition is not None:
            condition = AllOf((condition, rollup.condition))
        query = Query(
            rollup.items, condition=condition, groups=(Group("owner", owner),),
            aggregates=aggregates, limit=len(part), with_labels=False,
        )  # fmt: skip
        rows, _ = await op.model.queries.aggregate(op.connection, query, _NOBODY)
        for row in rows:
            found[str(row["owner"].id)] = _Figure(row["value"], row["count"])
    return found


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]


def _together(function: str, figures: Iterable[_Figure]) -> _Figure:
    """Return the figure of what several figures are about."""
    known = [figure for figure in figures if figure.value is not None]
    if not known:
        return _Figure(None, 0)
    values = [figure.value for figure in known]
    count = sum(figure.count for figure in known)
    match function:
        case "min":
            return _Figure(min(values), count)
        case "max":
            return _Figure(max(values), count)
        case _:
            with localcontext(prec=_DIGITS):
                return _Figure(sum(values), count)


def _values(
    op: Operation,
    compiled: CompiledEntity,
    rollup: CheckedRollup,
    figure: _Figure,
    state: RollupState,
    rate: Any,
) -> dict[str, Any]:
    """Return what is stored of a figure: the value as its field holds it, when, and how it went.

    Amounts are summed up in base currency; ``rate`` turns them into that of the record.
    """
    field, name = rollup.field, rollup.field.name
    exact = _exact(rollup.function, figure)
    is_base = rollup.path is not None and bool(rollup.path.field.base_of)
    with localcontext(prec=_DIGITS):
        own = exact * Decimal(rate) if is_base and exact is not None and rate else exact
        value = fit(own, field)
        values: dict[str, Any] = {name: value}
        base = compiled.entity.field_by_name.get(f"{name}_base")
        if base is not None and base.base_of == name:
            if not is_base and exact is not None and rate:
                exact = Decimal(exact) / Decimal(rate)
            values[base.name] = fit(exact, base)
    if state is RollupState.CALCULATED and value is None and own is not None:
        state = RollupState.OVERFLOW
    values[f"{name}{ROLLUP_DATE}"] = op.now
    values[f"{name}{ROLLUP_STATE}"] = int(state)
    return {key: item for key, item in values.items() if key in compiled.names}


def _exact(function: str, figure: _Figure) -> Any:
    """Return a figure without any rounding to its field; nothing adds up to 0."""
    match function:
        case "count":
            return figure.count
        case "sum":
            return figure.value if figure.value is not None else 0
        case "avg" if figure.value is not None and figure.count:
            with localcontext(prec=_DIGITS):
                total = figure.value
                total = Decimal(repr(total)) if isinstance(total, float) else Decimal(total)
                return total / figure.count
        case "avg":
            return None
        case _:
            return figure.value
