"""Runs one access test: what records really answer, held against expectation and explanation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kartoteka.access.explain import Answer, RoleGrant
from kartoteka.diagnostics import Diagnostic
from kartoteka.errors import AccessDenied, RecordNotFound
from kartoteka.model.access_test import (
    EXPECTED_OTHERWISE,
    EXPLANATION_DIFFERS,
    AccessTest,
    Expectation,
)
from kartoteka.model.role import PRIVILEGES
from kartoteka.record_values import Reference
from kartoteka_runtime.access_tests.organization import NotBuilt, TestOrganization
from kartoteka_runtime.records.access_sentences import AccessSentences
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.explain_access import (
    AccessExplainer,
    EntityExplanation,
    RecordExplanation,
)
from kartoteka_runtime.runtime_parts import RuntimeParts

_OF_RECORDS = tuple(name for name in PRIVILEGES if name != "create")


async def run_access_test(parts: RuntimeParts, test: AccessTest) -> tuple[Diagnostic, ...]:
    """Return what is otherwise than a test expects; empty exactly when everything holds.

    Args:
        parts: An app whose database holds no more than what a first publish makes; the
            organization of the test stays in it.
        test: One of the app's own.
    """
    organization = TestOrganization(parts, test)
    try:
        await organization.build()
    except NotBuilt as failed:
        return (failed.diagnostic,)
    found: list[Diagnostic] = []
    for expected in test.expectations:
        found.extend(await _Asked(organization, expected).differences())
    return tuple(found)


class _Asked:
    """One expectation, asked of records and of the explanation."""

    def __init__(self, organization: TestOrganization, expected: Expectation) -> None:
        self.expected = expected
        self.organization = organization
        parts = organization.parts
        self.user = organization.made[expected.user]
        self.records: ActingRecords = parts.records.acting_as(organization.principal(expected.user))
        self.explainer: AccessExplainer = parts.explainer

    async def differences(self) -> list[Diagnostic]:
        """Return what is otherwise."""
        expected = self.expected
        if expected.record:
            reference = self.organization.made[expected.record]
            return [
                *await self._of_record(reference),
                *await self._of_columns(reference.entity),
            ]
        return [
            *await self._of_entity(expected.entity),
            *await self._of_list(expected.entity),
            *await self._of_columns(expected.entity),
        ]

    async def _of_record(self, reference: Reference) -> list[Diagnostic]:
        explained = await self.explainer.explain(
            self.organization.system, self.user.id, reference.entity, reference.id
        )
        really = await self._really(reference)
        found = list(self._differing(explained, really))
        for key, is_expected in (("may", True), ("may_not", False)):
            for privilege in getattr(self.expected, key):
                if (privilege in really) is not is_expected:
                    answer = explained.answers[privilege]
                    why = self._sentences(explained).of(answer, answer.cause)
                    found.append(self._otherwise(key, privilege, why, _place_of(answer)))
        return found

    async def _really(self, reference: Reference) -> frozenset[str]:
        """Return what the user may really do with a record."""
        try:
            await self.records.read(reference.entity, reference.id)
        except (AccessDenied, RecordNotFound):
            return frozenset()
        allowed = await self.records.allowed(reference.entity, reference.id, _OF_RECORDS)
        return allowed | {"read"}

    def _differing(
        self, explained: RecordExplanation, really: frozenset[str]
    ) -> Iterator[Diagnostic]:
        """Yield where the explanation says something else than records do: our own mistake."""
        for privilege in _OF_RECORDS:
            answer = explained.answers[privilege]
            if "read" not in really and privilege != "read":
                continue  # what may not be read is not there, whatever else roles would give
            if answer.is_allowed is not (privilege in really):
                why = self._sentences(explained).of(answer, answer.cause)
                yield Diagnostic(
                    self.expected.location, EXPLANATION_DIFFERS,
                    f'records say {_yes(privilege in really)} to {privilege} of '
                    f'"{self.expected.record}" for "{self.expected.user}", but the explanation '
                    f"says {_yes(answer.is_allowed)}: {why}",
                    "this is a mistake of the platform; please report it",
                )  # fmt: skip

    async def _of_entity(self, name: str) -> list[Diagnostic]:
        access = await self.records.access()
        explained = await self.explainer.explain_entity(
            self.organization.system, self.user.id, name
        )
        found = []
        for key, is_expected in (("may", True), ("may_not", False)):
            for privilege in getattr(self.expected, key):
                really = access.allows(privilege, name)
                if really is not is_expected:
                    grants = explained.grants[privilege]
                    why = self._of_grants(explained, grants)
                    place = f"{grants[0].location}" if grants else ""
                    found.append(self._otherwise(key, privilege, why, place))
                if really is not bool(explained.grants[privilege]):
                    found.append(
                        Diagnostic(
                            self.expected.location, EXPLANATION_DIFFERS,
                            f'records say {_yes(really)} to {privilege} of every "{name}", but the '
                            "explanation does not",
                            "this is a mistake of the platform; please report it",
                        )
                    )  # fmt: skip
        return found

    async def _of_list(self, name: str) -> list[Diagnostic]:
        expected = self.expected
        if expected.sees is None and expected.count is None:
            return []
        primary = self.organization.registry.entities[name].primary_id
        try:
            rows = await self.records.list(name, fields=(primary,), limit=100_000)
            count = await self.records.count(name)
        except AccessDenied:
            rows, count = [], 0
        seen = {str(row[primary]) for row in rows}
        found = []
        if expected.count is not None and not count == len(rows) == expected.count:
            found.append(
                Diagnostic(
                    expected.place("count"), EXPECTED_OTHERWISE,
                    f'for "{expected.user}" there are {count} records of "{name}" '
                    f"(a list has {len(rows)}), not {expected.count}",
                )
            )  # fmt: skip
        if expected.sees is not None:
            wanted = set(expected.sees)
            really = {
                record.name
                for record in self.organization.test.records
                if record.entity == name and self.organization.made[record.name].id in seen
            }
            if really != wanted:
                told = ", ".join(sorted(really)) or "none of them"
                found.append(
                    Diagnostic(
                        expected.place("sees"), EXPECTED_OTHERWISE,
                        f'of the test\'s records of "{name}", "{expected.user}" sees {told}',
                        await self._why_seen(name, sorted(really ^ wanted)),
                    )
                )  # fmt: skip
        return found

    async def _why_seen(self, entity: str, names: Sequence[str]) -> str:
        """Return why one record is seen, or is not."""
        for name in names:
            reference = self.organization.made[name]
            if reference.entity != entity:
                return f'"{name}" is no record of "{entity}"'
            explained = await self.explainer.explain(
                self.organization.system, self.user.id, reference.entity, reference.id
            )
            answer = explained.answers["read"]
            return f"{name}: {self._sentences(explained).of(answer, answer.cause)}"
        return ""

    async def _of_columns(self, name: str) -> list[Diagnostic]:
        expected = self.expected
        if not (expected.reads or expected.masked or expected.hidden):
            return []
        limits = (await self.records.access()).columns.limits(name)
        explained = await self.explainer.explain_entity(
            self.organization.system, self.user.id, name
        )
        found = []
        for key in ("reads", "masked", "hidden"):
            for field in getattr(expected, key):
                really = "reads"
                if field in limits.hidden:
                    really = "hidden"
                elif field in limits.masked:
                    really = "masked"
                column = next(one for one in explained.columns if one.field == field)
                said = "hidden" if not column.read else "masked" if column.is_masked else "reads"
                if really != said:
                    found.append(
                        Diagnostic(
                            expected.place(key), EXPLANATION_DIFFERS,
                            f'"{field}" is {really} for "{expected.user}", but the explanation '
                            f"says {said}",
                            "this is a mistake of the platform; please report it",
                        )
                    )  # fmt: skip
                if really != key:
                    names = ", ".join(name for name, _ in column.profiles["read"])
                    found.append(
                        Diagnostic(
                            expected.place(key), EXPECTED_OTHERWISE,
                            f'"{field}" is {_COLUMN_WORDS[really]} for "{expected.user}", '
                            f"not {_COLUMN_WORDS[key]}",
                            f"reading is granted by {names}" if names else "no profile grants it",
                        )
                    )  # fmt: skip
        return found

    def _otherwise(self, key: str, privilege: str, why: str, place: str) -> Diagnostic:
        expected = self.expected
        what = f'"{expected.record}"' if expected.record else f'any record of "{expected.entity}"'
        may = "may not" if key == "may" else "may"
        return Diagnostic(
            expected.place(key), EXPECTED_OTHERWISE,
            f'"{expected.user}" {may} {privilege} {what}: {why.rstrip(".")}',
            f"see {place}" if place else "",
        )  # fmt: skip

    def _of_grants(self, explained: EntityExplanation, grants: Sequence[RoleGrant]) -> str:
        words = self._sentences(explained)
        if not grants:
            return "no role gives it"
        return ", ".join(f"{words.role(grant)} gives it ({grant.level})" for grant in grants)

    def _sentences(self, explained: RecordExplanation | EntityExplanation) -> AccessSentences:
        published = self.organization.parts.live_registry.current
        return AccessSentences(
            published.registry, published.labels, "en", explained.names, explained.user.id
        )


_COLUMN_WORDS = {"reads": "shown", "masked": "shown in part", "hidden": "hidden"}


def _place_of(answer: Answer) -> str:
    """Return file and line of the role that an answer comes from."""
    grant = answer.cause.grant
    return "" if grant is None or grant.location.file.startswith("<") else str(grant.location)


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
