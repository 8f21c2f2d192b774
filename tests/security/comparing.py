"""What the program answers on every path to records, against what the oracle says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
from oracle import (  # type: ignore[import-not-found]
    ACTIVITY,
    SHARED_RIGHTS,
    Record,
    User,
    World,
    columns,
    decide,
    decide_create,
    has_privilege,
    may,
    may_link,
    may_own,
    may_set_lookup,
    teams_of,
)
from organizations import (  # type: ignore[import-not-found]
    BOX,
    DOSSIER,
    ERRAND,
    IDS,
    KINDS,
    MARKER,
    NAMES,
    PAGE,
    PARENT_FIELDS,
    SCRAP,
    SECRET,
    Stage,
)

from kartoteka.errors import AccessDenied, KartotekaError, RecordInvalid, RecordNotFound
from kartoteka.query.fetch_xml import read_fetch
from kartoteka.query.query import LinkedTo
from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.explain_access import AccessExplainer
from kartoteka_runtime.testing.running_app import ORIGIN

REFUSED = "refused"  # no role gives the privilege on the entity: an error, not an empty answer
MISSING, DENIED, INVALID, DONE = "missing", "denied", "invalid", "done"
SETS = {DOSSIER: "dossiers", BOX: "boxs", PAGE: "pages", SCRAP: "scraps", MARKER: "markers",
        ERRAND: "errands", ACTIVITY: "activitypointers"}  # fmt: skip


class Undo(Exception):
    """Ends a transaction without leaving anything."""


class Comparison:
    """Compares one organization; ``counts`` says how many decisions each path was compared in."""

    def __init__(self, stage: Stage, world: World, counts: Counter[str]) -> None:
        self.stage = stage
        self.world = world
        self.counts = counts
        self.differences: dict[str, str] = {}  # the first one of each path
        self.records = dict(world.records)
        for user in world.users.values():
            self.records[user.id] = Record(user.id, "systemuser", unit=user.unit)
        for team in world.teams.values():
            self.records[team.id] = Record(team.id, "team", unit=team.unit)
        for record in world.records.values():
            if KINDS[record.entity].is_activity:
                pointer = Record(record.id, ACTIVITY, record.owner, shares=record.shares)
                self.records[f"pointer {record.id}"] = pointer

    def of(self, entity: str) -> list[Record]:
        return [record for record in self.records.values() if record.entity == entity]

    def seen(self, user: User, entity: str) -> list[Record]:
        return [r for r in self.of(entity) if decide(self.world, user, "read", r)]

    def check(self) -> None:
        """Fail when there was a difference."""
        assert not self.differences, "\n\n".join(
            [*self.differences.values(), self._world(), f"differences: {list(self.differences)}"]
        )

    def equal(
        self, path: str, user: User, actual: object, expected: object, decisions: int,
        *about: object,
    ) -> None:  # fmt: skip
        """Note when the program differs from the oracle."""
        self.counts[path] += decisions
        if actual != expected:
            story = self._story(path, user, actual, expected)
            self.differences.setdefault(path, story + f"\nabout: {about}")

    def same_ids(self, path: str, user: User, entity: str, actual: Any, expected: Any) -> None:
        """Compare a set of records; each record of the entity is one decision."""
        found = actual if actual == REFUSED else sorted(actual)
        wanted = expected if expected == REFUSED else sorted(expected)
        self.equal(f"{path}", user, found, wanted, max(1, len(self.of(entity))))

    def _story(self, path: str, user: User, actual: object, expected: object) -> str:
        wrong: Any = ""
        if isinstance(actual, list) and isinstance(expected, list):
            wrong = [self.records.get(str(i)) for i in {*map(str, actual)} ^ {*map(str, expected)}]
        return "\n".join([
            f"{path}: {user}", f"the program: {actual}", f"the oracle:  {expected}",
            f"records: {wrong}",
        ])  # fmt: skip

    def _world(self) -> str:
        world = self.world
        parts = (world.users, world.teams, world.units, world.positions, world.records)
        return "\n".join(str(item) for part in parts for item in part.values()) + str(
            world.hierarchy
        )

    async def everything(self, *, writes: bool, http: bool, explain: bool) -> None:
        """Compare every path for every user."""
        for user in self.world.users.values():
            records = self.stage.records_of(self.world, user.id)
            for entity in KINDS:
                await self.entity(user, records, entity)
            await self.questions(user, records)
            await self.privileges(user, records)
            if explain:
                await self.explained(user)
            if writes:
                await self.writes(user, records)
            if http and not user.is_disabled:
                await self.over_http(user, writes=writes)

    # --- reading ---------------------------------------------------------------------------------

    async def entity(self, user: User, records: ActingRecords, entity: str) -> None:
        """Lists, counts, lookups, pages and single records of one entity."""
        primary = IDS.get(entity, f"{entity}id")
        name = NAMES.get(entity, "name")
        seen = [record.id for record in self.seen(user, entity)]
        expected = seen if has_privilege(self.world, user, "read", entity) else REFUSED

        async def compare(path: str, work: Awaitable[Any], ids: Callable[[Any], Any]) -> None:
            try:
                found = ids(await work)
            except AccessDenied:
                found = REFUSED
            self.same_ids(path, user, entity, found, expected)

        def of_rows(rows: Any) -> list[str]:
            return [str(row[primary]) for row in rows]

        await compare("list", records.list(entity), of_rows)
        page = records.select(entity, fields=(name,), order=(f"{name} desc",), with_count=True)
        await compare("select", page, lambda found: of_rows(found.rows))
        if entity != "systemuser":  # whose lookups leave disabled users out
            await compare(
                "find", records.find(entity, "", 100), lambda found: [r.id for r in found]
            )
        try:
            count: Any = await records.count(entity)
        except AccessDenied:
            count = REFUSED
        self.equal("count", user, count, REFUSED if expected == REFUSED else len(seen), 1)
        if entity == DOSSIER:
            view = self.stage.app.registry.views["dossiers"]
            for text in ("", "n", "*1"):
                wanted = [
                    record.id
                    for record in self.seen(user, entity)
                    if text.strip("*") in str(record.values["name"])
                ]
                try:
                    shown = await records.page(entity, view=view, search=text)
                    found: Any = [str(row[primary]) for row in shown.rows]
                    total: Any = shown.count
                except AccessDenied:
                    found, total = REFUSED, REFUSED
                self.same_ids(
                    "page",
                    user,
                    entity,
                    found,
                    expected and wanted if expected != REFUSED else REFUSED,
                )
                self.equal("page", user, total, REFUSED if expected == REFUSED else len(wanted), 1)
            await self.paged(user, records, seen)
        for record in self.of(entity):
            await self.single(user, records, record, expected, seen)

    async def single(
        self, user: User, records: ActingRecords, record: Record, expected: Any, seen: list[str]
    ) -> None:
        """Single reads."""
        wanted = DONE if record.id in seen else MISSING
        wanted = DENIED if expected == REFUSED else wanted
        entity, record_id = record.entity, record.id
        for path, work in (
            ("read", records.read(entity, record_id)),
            ("read_fields", records.read_fields(entity, record_id)),
        ):
            outcome, found = await _outcome(work)
            self.equal(path, user, outcome, wanted, 1)
            if outcome == DONE and entity == DOSSIER:
                secret = columns(self.world, user, DOSSIER, SECRET)
                value = record.values[SECRET] if secret.read else None
                self.equal("column", user, found[SECRET], value, 1)

    async def paged(self, user: User, records: ActingRecords, seen: list[str]) -> None:
        """Page after page finds the same; so do tokens made of each other's values."""
        found: list[str] = []
        after = ""
        for _ in range(40):
            try:
                page = await records.select(
                    DOSSIER, fields=("name",), order=("remark",), limit=2, after=after
                )
            except AccessDenied:
                return
            found += [str(row["dossierid"]) for row in page.rows]
            after = page.next_after
            if not after:
                break
        self.same_ids("pages", user, DOSSIER, found, seen)

    async def questions(self, user: User, records: ActingRecords) -> None:
        """Conditions, orders, joins, groups and links that lead to other records."""
        world = self.world
        seen = {record.id for record in self.records.values()
                if decide(world, user, "read", record)}  # fmt: skip
        dossiers = self.seen(user, DOSSIER)
        may_read = {name: has_privilege(world, user, "read", name) for name in KINDS}

        async def filtered(
            text: str, wanted: Iterable[str], *needed: str, entity: str = DOSSIER
        ) -> None:
            try:
                rows: Any = await records.list(entity, filter=text, fields=())
                primary = IDS.get(entity, f"{entity}id")
                found: Any = [str(row[primary]) for row in rows]
            except AccessDenied:
                found = REFUSED
            ok = all(may_read[name] for name in (entity, *needed))
            self.same_ids(f"filter {text}", user, entity, found, list(wanted) if ok else REFUSED)

        def over(record: Record, lookup: str, field: str) -> object:
            """Return a field over a lookup as the user may see it."""
            other = self.records.get(record.lookups.get(lookup, ""))
            if other is None or (other.id not in seen and field != "name"):
                return None
            return other.values.get(field)

        def below(record: Record, entity: str, lookup: str) -> list[Record]:
            return [
                item for item in self.seen(user, entity) if item.lookups.get(lookup) == record.id
            ]

        for lookup in ("above", "boxid"):
            await filtered(
                f"{lookup}/remark eq 'one'",
                [d.id for d in dossiers if over(d, lookup, "remark") == "one"],
            )
            await filtered(
                f"{lookup}/remark eq null",
                [d.id for d in dossiers if over(d, lookup, "remark") is None],
            )
            for target in self.of(DOSSIER if lookup == "above" else BOX)[:2]:
                await filtered(
                    f"{lookup}/name eq '{target.values['name']}'",  # what the lookup shows
                    [d.id for d in dossiers if d.lookups.get(lookup) == target.id],
                )
        await filtered(
            "above/above/remark eq 'one'",
            [
                d.id
                for d in dossiers
                if d.lookups.get("above") in seen
                and over(self.records[d.lookups["above"]], "above", "remark") == "one"
            ],
        )
        for entity, lookup, name in (
            (DOSSIER, "above", "dossier_above"), (PAGE, "dossierid", "dossier_pages"),
            (ERRAND, "dossierid", "dossier_errands"),
        ):  # fmt: skip
            await filtered(
                f"{name}/any(d: d/remark eq 'one')",
                [
                    d.id for d in dossiers
                    if any(i.values["remark"] == "one" for i in below(d, entity, lookup))
                ],
                entity,
            )  # fmt: skip
            await filtered(
                f"{name}/all(d: d/remark eq 'one')",
                [
                    d.id for d in dossiers
                    if all(i.values["remark"] == "one" for i in below(d, entity, lookup))
                ],
                entity,
            )  # fmt: skip
            await filtered(
                f"{name}/any()", [d.id for d in dossiers if below(d, entity, lookup)], entity
            )
            await filtered(
                f"not {name}/any()",
                [d.id for d in dossiers if not below(d, entity, lookup)], entity,
            )  # fmt: skip
        linked = {m.id: m.links.get("dossier_marker", []) for m in self.of(MARKER)}
        await filtered(
            "dossier_marker/any(m: m/remark eq 'one')",
            [
                d.id
                for d in dossiers
                if any(
                    d.id in linked[m.id] and m.values["remark"] == "one"
                    for m in self.seen(user, MARKER)
                )
            ],
            MARKER,
        )
        await filtered(
            "dossierid/above/remark eq 'one'",
            [
                p.id
                for p in self.seen(user, PAGE)
                if p.parent in seen and over(self.records[p.parent], "above", "remark") == "one"
            ],
            entity=PAGE,
        )
        await self.ordered(user, records, dossiers, over)
        await self.linked(user, records, linked, seen)
        await self.secret(user, records, dossiers)
        await self.fetched(user, records, dossiers, over, below)

    async def ordered(
        self, user: User, records: ActingRecords, dossiers: list[Record], over: Callable[..., Any]
    ) -> None:
        """The order over a lookup is that of what may be read: nothing tells the hidden values."""
        try:
            rows = await records.list(DOSSIER, fields=("name",), order=("above/remark", "name"))
        except AccessDenied:
            return
        by_id = {record.id: record for record in dossiers}
        keys = [over(by_id[str(row["dossierid"])], "above", "remark") for row in rows]
        known = [key for key in keys if key is not None]
        self.equal("order", user, known, sorted(known), len(self.of(DOSSIER)))
        hidden = [index for index, key in enumerate(keys) if key is None]
        if hidden:
            self.equal("order", user, hidden[-1] - hidden[0] + 1, len(hidden), 0)

    async def linked(
        self, user: User, records: ActingRecords, linked: Mapping[str, list[str]], seen: set[str]
    ) -> None:
        """Subgrids of an N:N relationship, from both sides."""
        for entity, others in ((DOSSIER, MARKER), (MARKER, DOSSIER)):
            for other in self.of(others):
                wanted: Any = [
                    r.id
                    for r in self.seen(user, entity)
                    if other.id in seen
                    and (r.id in linked.get(other.id, ()) or other.id in linked.get(r.id, ()))
                ]
                try:
                    to = LinkedTo("dossier_marker", other.id)
                    rows: Any = [
                        str(row[f"{entity}id"]) for row in await records.list(entity, linked_to=to)
                    ]
                    count = await records.count(entity, linked_to=to)
                except AccessDenied:
                    continue
                self.same_ids("linked_to", user, entity, rows, wanted)
                self.equal("linked_to", user, count, len(wanted), 1)

    async def secret(self, user: User, records: ActingRecords, dossiers: list[Record]) -> None:
        """A column that may not be read decides nothing."""
        column = columns(self.world, user, DOSSIER, SECRET)
        expected: Any = [d.id for d in dossiers if d.values[SECRET] == "s1"]
        if not column.read:
            expected = INVALID
        if not has_privilege(self.world, user, "read", DOSSIER):
            return
        for text in ("secret eq 's1'", "secret eq 's1' and name ne null"):
            outcome, rows = await _outcome(records.list(DOSSIER, filter=text))
            found: Any = [str(row["dossierid"]) for row in rows] if outcome == DONE else outcome
            if isinstance(found, list) and isinstance(expected, list):
                self.same_ids("secret filter", user, DOSSIER, found, expected)
            else:
                self.equal("secret filter", user, found, expected, 1)
        outcome, _ = await _outcome(records.list(DOSSIER, order=("secret",)))
        self.equal("secret order", user, outcome, DONE if column.read else INVALID, 1)

    async def fetched(
        self,
        user: User,
        records: ActingRecords,
        dossiers: list[Record],
        over: Callable[..., Any],
        below: Callable[..., list[Record]],
    ) -> None:
        """FetchXML: joins, outer joins, groups."""
        if not has_privilege(self.world, user, "read", DOSSIER):
            return
        registry = self.stage.app.registry
        visible = {record.id for record in dossiers}

        async def ask(inside: str, **attributes: str) -> Any:
            said = "".join(f" {name}='{value}'" for name, value in attributes.items())
            text = f"<fetch{said}><entity name='dossier'>{inside}</entity></fetch>"
            try:
                return (await records.query(read_fetch(text, registry).query, limit=500)).rows
            except AccessDenied:
                return REFUSED

        up = (
            "<link-entity name='dossier' from='dossierid' to='above' alias='a' link-type='{}'>{}"
            "</link-entity>"
        )
        name = "<attribute name='name'/>"
        rows = await ask(name + up.format("inner", "<attribute name='remark'/>"))
        wanted = [d.id for d in dossiers if d.lookups.get("above") in visible]
        self.same_ids("join", user, DOSSIER, [str(r["dossierid"]) for r in rows], wanted)
        rows = await ask(name + up.format("outer", "<attribute name='remark'/>"))
        found = sorted((str(r["dossierid"]), _value_of(r, "a", "remark")) for r in rows)
        shown = sorted((d.id, over(d, "above", "remark")) for d in dossiers)
        self.equal("outer join", user, found, shown, len(self.of(DOSSIER)))
        for entity, lookup in ((DOSSIER, "above"), (ERRAND, "dossierid"), (PAGE, "dossierid")):
            down = (
                f"<link-entity name='{entity}' from='{lookup}' to='dossierid' alias='b' "
                "link-type='{}'><attribute name='remark'/></link-entity>"
            )
            expected: Any = REFUSED
            rows = await ask(name + down.format("inner"))
            if has_privilege(self.world, user, "read", entity):
                expected = [d.id for d in dossiers for _ in below(d, entity, lookup)]
            ids = rows if rows == REFUSED else [str(r["dossierid"]) for r in rows]
            self.same_ids("join down", user, DOSSIER, ids, expected)
            for kind in ("exists", "in"):
                rows = await ask(name + down.format(kind).replace("<attribute name='remark'/>", ""))
                if expected != REFUSED:
                    expected = list(dict.fromkeys(expected))
                ids = rows if rows == REFUSED else [str(r["dossierid"]) for r in rows]
                self.same_ids(f"join {kind}", user, DOSSIER, ids, expected)
        for top in self.of(DOSSIER):
            for operator, is_of in (
                ("under", lambda d, t: t.id in self.above(user, d)),
                ("eq-or-under", lambda d, t: d is t or t.id in self.above(user, d)),
                ("above", lambda d, t: d.id in self.above(user, t)),
            ):
                rows = await ask(
                    f"{name}<filter><condition attribute='dossierid' operator='{operator}' "
                    f"value='{top.id}'/></filter>"
                )
                wanted = [d.id for d in dossiers if is_of(d, top)]
                self.same_ids(operator, user, DOSSIER, [str(r["dossierid"]) for r in rows], wanted)
        rows = await ask(
            f"{name}<link-entity name='dossiermarkers' from='dossierid' to='dossierid' alias='l'>"
            "<attribute name='markerid'/></link-entity>"
        )
        if rows != REFUSED:  # where markers may not be read at all it may be either
            ids = [str(r["dossierid"]) for r in rows]
            links = [
                d.id for d in dossiers for m in self.seen(user, MARKER)
                if d.id in m.links.get("dossier_marker", ())
            ]  # fmt: skip
            self.same_ids("join links", user, DOSSIER, ids, links)
        rows = await ask(
            "<attribute name='remark' groupby='true' alias='r'/>"
            "<attribute name='dossierid' aggregate='count' alias='n'/>"
            "<attribute name='amount' aggregate='sum' alias='s'/>",
            aggregate="true",
        )
        groups = {str(row["r"]): (int(row["n"]), int(row["s"] or 0)) for row in rows}
        wanted_groups: dict[str, tuple[int, int]] = {}
        for d in dossiers:
            count, amount = wanted_groups.get(str(d.values["remark"]), (0, 0))
            wanted_groups[str(d.values["remark"])] = (
                count + 1, amount + int(str(d.values["amount"]))
            )  # fmt: skip
        self.equal("groups", user, groups, wanted_groups, len(self.of(DOSSIER)))

    def above(self, user: User, record: Record) -> list[str]:
        """Return what is above a record, as far as the way there may be read."""
        found: list[str] = []
        at: Record | None = record
        while at is not None and decide(self.world, user, "read", at) and at.lookups.get("above"):
            found.append(at.lookups["above"])
            at = self.records[at.lookups["above"]]
        return found

    async def privileges(self, user: User, records: ActingRecords) -> None:
        """What buttons ask: every privilege of every record."""
        for record in self.records.values():
            said = await records.allowed(record.entity, record.id, SHARED_RIGHTS)
            wanted = {
                privilege
                for privilege in SHARED_RIGHTS
                if decide(self.world, user, privilege, record)
                and decide(self.world, user, "read", record)
                and privilege in _meaningful(record.entity)
            }
            found = {privilege for privilege in said if privilege in _meaningful(record.entity)}
            count = len(_meaningful(record.entity))
            self.equal(
                f"allowed {record.entity}", user, sorted(found), sorted(wanted), count, record
            )

    async def explained(self, user: User) -> None:
        """The explanation is a third implementation; it says the same."""
        explainer = AccessExplainer(self.stage.app.parts.records)
        system = self.stage.app.system_records
        secret = columns(self.world, user, DOSSIER, SECRET)
        for record in self.records.values():
            said = await explainer.explain(system, user.id, record.entity, record.id)
            for privilege in (p for p in SHARED_RIGHTS if p in _meaningful(record.entity)):
                self.equal(
                    f"explained {privilege} {record.entity}", user,
                    said.answers[privilege].is_allowed,
                    decide(self.world, user, privilege, record), 1,
                )  # fmt: skip
            if record.entity == DOSSIER:
                (column,) = said.columns
                self.equal(
                    "explained column", user, (column.read, column.create, column.update),
                    (secret.read, secret.create, secret.update), 3,
                )  # fmt: skip

    # --- writing ---------------------------------------------------------------------------------

    async def attempt(self, records: ActingRecords, write: str, *given: Any) -> str:
        """Try a write and take it back; return how it went."""
        outcome = ""
        try:
            async with records.transaction() as inside:
                outcome, _ = await _outcome(getattr(inside, write)(*given))
                raise Undo
        except Undo:
            return outcome

    def refusal(self, user: User, record: Record) -> str:
        """Return how a write ends that may not be."""
        if not has_privilege(self.world, user, "read", record.entity):
            return DENIED
        return DENIED if decide(self.world, user, "read", record) else MISSING

    async def writes(self, user: User, records: ActingRecords) -> None:
        """Changes of records that are there, and new ones."""
        world = self.world
        for record in world.records.values():
            name, entity, record_id = NAMES.get(record.entity, "name"), record.entity, record.id
            refusal = self.refusal(user, record)

            is_changed, one = may(world, user, "write", record), (entity, record_id)
            compare = partial(self.written, user, records, record)
            await compare(is_changed, refusal, "update", *one, {name: "changed"})
            await compare(may(world, user, "delete", record), refusal, "delete", *one)
            if entity == DOSSIER:
                is_granted = is_changed and columns(world, user, DOSSIER, SECRET).update
                refused = INVALID if is_changed else refusal
                await compare(is_granted, refused, "update", *one, {SECRET: "new"})
            if KINDS[entity].ownership != "user":
                continue
            other = next(
                (
                    Reference("systemuser", u.id) for u in world.users.values()
                    if u.id != record.owner and not u.is_disabled and may_own(world, u.id, entity)
                    and self.may_name(user, u.id)
                ),
                None,
            )  # fmt: skip
            if other is not None:
                is_given = may(world, user, "assign", record)
                await compare(is_given, refusal, "update", *one, {"ownerid": other})
                is_shared = may(world, user, "share", record)
                await compare(is_shared, refusal, "share", *one, other, ("read",))
        await self.lookups(user, records)
        await self.moves(user, records)
        await self.creations(user, records)

    async def written(
        self, user: User, records: ActingRecords, record: Record, is_allowed: bool, refusal: str,
        write: str, *given: Any,
    ) -> None:  # fmt: skip
        """Compare how one write of a record ends."""
        outcome = await self.attempt(records, write, *given)
        path = f"{write} {record.entity}"
        if write == "update":
            path = f"{path} {' '.join(given[2])}"
        wanted = DONE if is_allowed else refusal
        self.equal(path, user, outcome, wanted, 1, record, given)

    def is_above(self, record: Record, other: Record) -> bool:
        """Return whether a record is another one or above it, so that it cannot be below it."""
        at: Record | None = other
        while at is not None:
            if at is record:
                return True
            at = self.records.get(at.lookups.get("above", ""))
        return False

    def may_name(self, user: User, owner: str) -> bool:
        """Return whether a user may name an owner: what may not be read does not exist (0033)."""
        own = {team.id for team in teams_of(self.world, user) if team.kind == "owner"}
        is_own = owner == user.id or owner in own
        return is_own or decide(self.world, user, "read", self.records[owner])

    async def lookups(self, user: User, records: ActingRecords) -> None:
        """Lookups that are set, and links."""
        world = self.world
        for record in self.of(DOSSIER):
            for field, target in (("above", DOSSIER), ("boxid", BOX)):
                for other in self.of(target)[:3]:
                    if record.lookups.get(field) == other.id or self.is_above(record, other):
                        continue
                    outcome = await self.attempt(
                        records, "update", DOSSIER, record.id, {field: Reference(target, other.id)}
                    )
                    is_allowed = may_set_lookup(world, user, record, other)
                    self.equal(
                        f"set {field}", user, outcome == DONE, is_allowed, 1, record, other, outcome
                    )
            for marker in self.of(MARKER)[:3]:
                is_linked = record.id in marker.links.get("dossier_marker", ())
                write = "disassociate" if is_linked else "associate"
                outcome = await self.attempt(records, write, "dossier_marker", record.id, marker.id)
                self.equal("link", user, outcome == DONE, may_link(world, user, record, marker), 1)

    async def moves(self, user: User, records: ActingRecords) -> None:
        """Children that go to another parent: there, that is a new one."""
        world = self.world
        for child in self.of(PAGE):
            for parent in self.of(DOSSIER)[:4]:
                if parent.id == child.parent:
                    continue
                outcome = await self.attempt(
                    records, "update", PAGE, child.id, {"dossierid": Reference(DOSSIER, parent.id)}
                )
                is_allowed = may_set_lookup(world, user, child, parent) and decide(
                    world, user, "write", parent
                )
                self.equal("move", user, outcome == DONE, is_allowed, 1, child, parent, outcome)

    async def creations(self, user: User, records: ActingRecords) -> None:
        """New records of each kind, for each owner, with and without lookups."""
        world = self.world
        owners = [*world.users, *world.teams]
        for entity in (DOSSIER, MARKER, ERRAND):
            lookup = {DOSSIER: "above", ERRAND: "dossierid"}.get(entity, "")
            targets: list[Record | None] = [None, *(self.of(DOSSIER)[:2] if lookup else [])]
            for owner in owners:
                if owner in world.users and world.users[owner].is_disabled:
                    continue
                for target in targets:
                    values: dict[str, object] = {
                        NAMES.get(entity, "name"): "new",
                        "ownerid": Reference(
                            "systemuser" if owner in world.users else "team", owner
                        ),
                    }
                    if target is not None:
                        values[lookup] = Reference(DOSSIER, target.id)
                    await self.created(user, records, Record("", entity, owner), values, target)
        for entity in (PAGE, SCRAP):
            field = PARENT_FIELDS[entity]
            for parent in self.of(KINDS[entity].parent)[:4]:
                values = {"name": "new", field: Reference(parent.entity, parent.id)}
                await self.created(
                    user, records, Record("", entity, parent=parent.id), values, None
                )
        await self.created(user, records, Record("", BOX), {"name": "new"}, None)

    async def created(
        self, user: User, records: ActingRecords, record: Record, values: dict[str, object],
        target: Record | None,
    ) -> None:  # fmt: skip
        outcome = await self.attempt(records, "create", record.entity, values)
        targets = (target,) if target is not None else ()
        if record.parent:
            targets = (self.records[record.parent],)
        is_allowed = decide_create(self.world, user, record, targets)
        if record.owner:
            is_allowed = is_allowed and self.may_name(user, record.owner)
        self.equal(
            f"create {record.entity}",
            user,
            outcome == DONE,
            is_allowed,
            1,
            record,
            targets,
            outcome,
        )

    # --- HTTP ------------------------------------------------------------------------------------

    async def over_http(self, user: User, *, writes: bool) -> None:
        """OData with a token, through the whole application."""
        world, app = self.world, self.stage.app
        token = await app.parts.sessions.create_token(user.id, "test")
        transport = httpx.ASGITransport(app=app.app)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"{ORIGIN}/api/data/v9.2/",
            headers={"Authorization": f"Bearer {token}"},
        ) as api:  # fmt: skip
            for entity, set_name in SETS.items():
                primary = IDS.get(entity, f"{entity}id")
                allowed = has_privilege(world, user, "read", entity)
                seen = [record.id for record in self.seen(user, entity)]
                answer = await api.get(f"{set_name}?$select={primary}&$count=true")
                self.equal(f"GET {set_name}", user, answer.status_code, 200 if allowed else 403, 1)
                if allowed:
                    content = answer.json()
                    ids = [row[primary] for row in content["value"]]
                    self.same_ids(f"GET {set_name}", user, entity, ids, seen)
                    self.equal("$count", user, content["@odata.count"], len(seen), 1)
                for record in self.of(entity):
                    answer = await api.get(f"{set_name}({record.id})")
                    expected = 200 if record.id in seen else 404 if allowed else 403
                    self.equal(f"GET {set_name}()", user, answer.status_code, expected, 1)
            await self.expanded(user, api)
            if writes:
                await self.http_writes(user, api)

    async def expanded(self, user: User, api: httpx.AsyncClient) -> None:
        """Expands of a lookup and of a collection, and FetchXML."""
        world = self.world
        if not has_privilege(world, user, "read", DOSSIER):
            return
        seen = {record.id for record in self.seen(user, DOSSIER)}
        answer = await api.get(
            "dossiers?$select=name&$expand=above($select=remark),dossier_above($select=remark)"
        )
        self.equal("expand", user, answer.status_code, 200, 0)
        for row in answer.json()["value"]:
            record = world.records[row["dossierid"]]
            above = record.lookups.get("above")
            shown = row["above"] and row["above"]["dossierid"]
            self.equal("expand", user, shown, above if above in seen else None, 1)
            items = sorted(item["dossierid"] for item in row["dossier_above"])
            wanted = sorted(i for i in seen if world.records[i].lookups.get("above") == record.id)
            self.equal("expand", user, items, wanted, len(self.of(DOSSIER)))
        if has_privilege(world, user, "read", MARKER):
            answer = await api.get("dossiers?$select=name&$expand=dossier_marker($select=name)")
            self.equal("expand N:N", user, answer.status_code, 200, 0)
            for row in answer.json()["value"]:
                items = sorted(item["markerid"] for item in row["dossier_marker"])
                wanted = sorted(
                    m.id for m in self.seen(user, MARKER)
                    if row["dossierid"] in m.links.get("dossier_marker", ())
                )  # fmt: skip
                self.equal("expand N:N", user, items, wanted, len(self.of(MARKER)))
        text = (
            "<fetch><entity name='dossier'><attribute name='name'/><filter>"
            "<condition attribute='name' operator='like' value='n%'/></filter></entity></fetch>"
        )
        answer = await api.get(f"dossiers?fetchXml={quote(text)}")
        self.equal("FetchXML", user, answer.status_code, 200, 0)
        ids = [row["dossierid"] for row in answer.json()["value"]]
        self.same_ids("FetchXML", user, DOSSIER, ids, seen)

    async def http_writes(self, user: User, api: httpx.AsyncClient) -> None:
        """Changes that go through, and deletes that do not."""
        statuses = {DENIED: 403, MISSING: 404}
        for record in self.of(DOSSIER):
            address = f"dossiers({record.id})"
            answer = await api.patch(
                address, json={"amount": record.values["amount"]}, headers={"If-Match": "*"}
            )
            refusal = statuses[self.refusal(user, record)]
            is_allowed = may(self.world, user, "write", record)
            self.equal("PATCH", user, answer.status_code, 204 if is_allowed else refusal, 1)
            if not may(self.world, user, "delete", record):
                answer = await api.delete(address)
                self.equal("DELETE", user, answer.status_code, refusal, 1)


def _meaningful(entity: str) -> tuple[str, ...]:
    """Return the privileges that mean something for an entity."""
    rights: tuple[str, ...] = SHARED_RIGHTS
    if KINDS[entity].ownership == "user":
        return rights
    return tuple(name for name in rights if name not in ("assign", "share"))


def _value_of(row: Mapping[str, Any], alias: str, field: str) -> Any:
    for key, value in row.items():
        if key.startswith(alias) and key.endswith(field):
            return value
    raise KeyError(f"{alias} {field} in {row}")


async def _outcome(work: Awaitable[Any]) -> tuple[str, Any]:
    try:
        return DONE, await work
    except RecordNotFound:
        return MISSING, None
    except AccessDenied:
        return DENIED, None
    except RecordInvalid:
        return INVALID, None
    except KartotekaError as error:
        return f"{type(error).__name__}: {error}", None
