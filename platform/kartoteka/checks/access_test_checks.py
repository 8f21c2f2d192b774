"""Rules about access tests: what they name is there, and each expectation expects something."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.location import Location
from kartoteka.model.access_test import (
    EVERYBODY,
    AccessTest,
    Expectation,
    GivenRecord,
    GivenTeam,
    GivenUnit,
    GivenUser,
)
from kartoteka.names import did_you_mean


def check_access_test(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with an access test, whatever the roles say."""
    test = scope.registry.access_tests[name]
    yield from _repeated(test)
    yield from _check_people(scope, test)
    for index, record in enumerate(test.records):
        yield from _check_record(scope, test, record, test.records[:index])
    for expected in test.expectations:
        yield from _check_expectation(scope, test, expected)


def _check_people(scope: Scope, test: AccessTest) -> Iterator[Diagnostic]:
    units = {unit.name for unit in test.units}
    positions = {position.name for position in test.positions}
    users = {user.name for user in test.users}
    known: set[str] = set()
    for unit in test.units:
        yield from _unknown("earlier unit", unit.parent, known, unit.location)
        known.add(unit.name)
    known = set()
    for position in test.positions:
        yield from _unknown("earlier position", position.parent, known, position.location)
        known.add(position.name)
    for user in test.users:
        yield from _unknown("unit", user.unit, units, user.location)
        yield from _unknown("user", user.manager, users, user.location)
        yield from _unknown("position", user.position, positions, user.location)
    for team in test.teams:
        yield from _unknown("unit", team.unit, units, team.location)
        for member in team.members:
            yield from _unknown("user", member, users, team.location)
        if team.type == "access" and team.roles:
            yield Diagnostic(
                team.location, "access_test/access-team-with-roles",
                f'"{team.name}" is an access team; it has no roles',
                "leave the roles out, or make it an owner team",
            )  # fmt: skip
    for holder in _holders(test):
        for role in holder.roles:
            yield from scope.unknown("role", role, holder.location, "access_test/unknown-role")
        for profile in holder.profiles:
            yield from scope.unknown(
                "column_profile", profile, holder.location, "access_test/unknown-profile"
            )
    for role in test.team_only_roles:
        yield from scope.unknown("role", role, test.location, "access_test/unknown-role")
    if test.hierarchy is not None:
        for entity in test.hierarchy.excludes:
            yield from scope.unknown(
                "entity", entity, test.hierarchy.location, "access_test/unknown-entity"
            )


def _check_record(
    scope: Scope, test: AccessTest, record: GivenRecord, before: Collection[GivenRecord]
) -> Iterator[Diagnostic]:
    owners = {holder.name for holder in _holders(test)}
    yield from _unknown("user or team", record.owner, owners, record.location)
    for share in record.shares:
        yield from _unknown("user or team", share.receiver, {*owners, EVERYBODY}, share.location)
    entity = scope.entity(record.entity)
    if entity is None:
        yield from scope.unknown(
            "entity", record.entity, record.location, "access_test/unknown-entity"
        )
        return
    if entity.ownership == "user" and not entity.parent_field and not record.owner:
        yield Diagnostic(
            record.location, "access_test/no-owner",
            f'"{record.name}" belongs to nobody, but every "{entity.name}" has an owner',
            "add owner",
        )  # fmt: skip
    if record.owner and "ownerid" not in entity.field_by_name:
        yield Diagnostic(
            record.location, "access_test/cannot-be-owned",
            f'"{entity.name}" has no owner, so "{record.owner}" cannot own "{record.name}"',
            "leave owner out",
        )  # fmt: skip
    things = {*owners, *(unit.name for unit in test.units), *(one.name for one in before)}
    for field, value in record.values.items():
        place = record.value_locations.get(field, record.location)
        if field not in entity.field_by_name:
            yield from scope.unknown_field(entity, field, place, "access_test/unknown-field")
        elif entity.field_by_name[field].is_lookup and isinstance(value, str):
            yield from _unknown("user, team, unit or earlier record", value, things, place)


def _check_expectation(
    scope: Scope, test: AccessTest, expected: Expectation
) -> Iterator[Diagnostic]:
    records = {record.name: record for record in test.records}
    yield from _unknown(
        "user", expected.user, {user.name for user in test.users}, expected.location
    )
    yield from _unknown("record", expected.record, records, expected.place("record"))
    for name in expected.sees or ():
        yield from _unknown("record", name, records, expected.place("sees"))
    if bool(expected.record) == bool(expected.entity):
        yield Diagnostic(
            expected.location, "access_test/about-nothing",
            "an expectation is about a record or about an entity", "name one of the two",
        )  # fmt: skip
        return
    if not _expects(expected):
        yield Diagnostic(
            expected.location, "access_test/nothing-expected",
            f'nothing is expected of "{expected.user}"',
            "add may, may_not, sees, count, reads, masked or hidden",
        )  # fmt: skip
    both = [name for name in expected.may if name in expected.may_not]
    if both:
        yield Diagnostic(
            expected.place("may_not"), "access_test/both-ways",
            f'"{expected.user}" cannot be expected to may {both[0]} and not', "leave one out",
        )  # fmt: skip
    for key, value in (("sees", expected.sees), ("count", expected.count)):
        if expected.record and value is not None:
            yield Diagnostic(
                expected.place(key), "access_test/of-an-entity",
                f"{key} is about the records of an entity, not about one record",
                "write entity instead of record",
            )  # fmt: skip
    for key in ("may", "may_not"):
        if expected.record and "create" in getattr(expected, key):
            yield Diagnostic(
                expected.place(key), "access_test/create-of-a-record",
                f'"{expected.record}" is there already: create is expected of an entity',
                "write entity instead of record",
            )  # fmt: skip
    named = records[expected.record].entity if expected.record in records else expected.entity
    entity = scope.entity(named) if named else None
    if entity is None:
        if expected.entity:
            yield from scope.unknown(
                "entity", named, expected.place("entity"), "access_test/unknown-entity"
            )
        return
    for key in ("reads", "masked", "hidden"):
        for field in getattr(expected, key):
            if field not in entity.field_by_name:
                yield from scope.unknown_field(
                    entity, field, expected.place(key), "access_test/unknown-field"
                )
            elif field not in entity.secured_fields:
                yield Diagnostic(
                    expected.place(key), "access_test/not-secured",
                    f'"{field}" of "{entity.name}" is not secured: whoever reads a record sees it',
                    "leave it out, or add secured: true to the field",
                )  # fmt: skip


def _expects(expected: Expectation) -> bool:
    lists = (expected.may, expected.may_not, expected.reads, expected.masked, expected.hidden)
    return any(lists) or expected.sees is not None or expected.count is not None


def _repeated(test: AccessTest) -> Iterator[Diagnostic]:
    """Yield names that two things of the test share: nobody could tell which is meant."""
    seen = {EVERYBODY}
    things: tuple[GivenUnit | GivenUser | GivenTeam | GivenRecord, ...] = (
        *test.units, *test.users, *test.teams, *test.records,
    )  # fmt: skip
    for thing in things:
        if thing.name in seen:
            yield Diagnostic(
                thing.location, "access_test/repeated-name",
                f'"{thing.name}" is another unit, user, team or record of the test already',
                "call it something else",
            )  # fmt: skip
        seen.add(thing.name)


def _holders(test: AccessTest) -> tuple[GivenUser | GivenTeam, ...]:
    """Return whoever may have roles, own records and be shared with."""
    return (*test.users, *test.teams)


def _unknown(
    what: str, name: str, known: Iterable[str], location: Location
) -> Iterator[Diagnostic]:
    if name and name not in known:
        yield Diagnostic(
            location, "access_test/unknown-name", f'the test has no {what} "{name}"',
            did_you_mean(name, tuple(known)),
        )  # fmt: skip
