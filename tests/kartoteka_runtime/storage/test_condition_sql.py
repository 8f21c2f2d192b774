"""SQL on both engines, the closure for one record and the browser agree on every condition."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.compile_closure import compile_closure, compile_value
from kartoteka.conditions.functions import FUNCTIONS
from kartoteka.conditions.periods import PERIODS
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.to_json import expression_to_json, to_json
from kartoteka.conditions.typed import Constant, Related, TypedCondition, ValueKind
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Query
from kartoteka.record_values import Reference
from kartoteka.text_folding import fold
from kartoteka_runtime.storage.column_types import encode_instant

sys.path.insert(0, str(Path(__file__).parent))
from browser_interpreter import (  # type: ignore[import-not-found]  # noqa: E402
    BrowserInterpreter,
    value_to_json,
)
from generated_conditions import (  # type: ignore[import-not-found]  # noqa: E402
    EXPRESSED,
    applications,
    conditions,
    expressions,
    periods,
    scope_of,
)
from probes import METADATA, stored_probes  # type: ignore[import-not-found]  # noqa: E402

patient = settings(
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
    print_blob=False,
)
fewest = settings(patient, max_examples=3, derandomize=True)
few = settings(patient, max_examples=100, derandomize=True)
some = settings(patient, max_examples=50)
many = settings(patient, max_examples=2_000)
SECONDS = 60  # for an answer of the database


@pytest.fixture(scope="module")
def browser():
    """Give what a browser answers."""
    with BrowserInterpreter() as interpreter:
        yield interpreter


class Question:
    """A generated condition or expression and who asks; shown in a line when it fails."""

    def __init__(self, node: Any, asker: Asker) -> None:
        self.node = node
        self.asker = asker

    def __repr__(self) -> str:
        """Return the node as the browser gets it, and when and where one asks."""
        is_condition = isinstance(self.node, TypedCondition)
        said = to_json(self.node) if is_condition else expression_to_json(self.node)
        asked = f"{self.asker.now:%Y-%m-%dT%H:%M:%SZ} {self.asker.time_zone} {self.asker.fiscal}"
        return f"{json.dumps(said, ensure_ascii=False)} asked {asked}"


@st.composite
def questions(draw: Any, nodes: Any, askers: list[Asker]) -> Question:
    """Draw a condition or expression, and who asks."""
    return Question(draw(nodes), askers[draw(st.integers(0, len(askers) - 1))])


class Answers:
    """Asks the database, the closure and the browser the same about the same probes."""

    def __init__(self, app, probes, browser) -> None:
        self.app = app
        self.probes = probes
        self.browser = browser
        self.identity = path_of(app.registry, "probe", "probeid")
        self.asked = 0
        self.split = 0
        browser.load(probes.records)

    async def of_database(self, condition: TypedCondition, asker: Asker) -> list[bool]:
        """Return whether the condition holds for each probe, as the database says."""
        query = Query("probe", (self.identity,), condition, limit=1000)
        async with self.app.parts.database.reading() as connection:
            rows, _, _ = await self.app.parts.records.model.queries.page(connection, query, asker)
        found = {row["probeid"] for row in rows}
        return [record["probeid"] in found for record in self.probes.records]

    def of_closure(self, condition: TypedCondition, asker: Asker) -> list[bool]:
        """Return the same, record by record in Python."""
        holds = compile_closure(condition)
        found = [holds(record, asker) for record in self.probes.records]
        assert all(type(answer) is bool for answer in found)
        self.asked += len(found)
        self.split += 0 < sum(found) < len(found)
        return found


@pytest.fixture
async def answers(start_app, browser):
    """Give what asks about stored probes, on each engine."""
    app = await start_app(metadata=METADATA)
    return Answers(app, await stored_probes(app), browser)


class Agreement:
    """Holds generated questions against every back end."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.scope = scope_of(answers.probes)
        self.askers = answers.probes.askers()
        self._loop = asyncio.get_running_loop()

    async def on_conditions(self, how: settings, typed: Any = None) -> None:
        """Compare which records conditions hold for."""
        typed = conditions(self.scope) if typed is None else typed

        @how
        @given(questions(typed, self.askers))
        def hold(question: Question) -> None:
            condition, asker = question.node, question.asker
            expected = self.answers.of_closure(condition, asker)
            found = self.answers.browser.holds(condition, asker)
            assert found == expected, f"browser: {different(self.answers, found, expected)}"
            self._of_database(condition, asker, expected)

        await asyncio.to_thread(hold)

    async def on_values(self, how: settings, typed: Any = None) -> None:
        """Compare what expressions give, the database by what equals them."""
        if typed is None:
            typed = st.sampled_from(EXPRESSED).flatmap(lambda kind: expressions(self.scope, kind))

        @how
        @given(questions(typed, self.askers), st.integers(0, 3))
        def hold(question: Question, chosen: int) -> None:
            expression, asker = question.node, question.asker
            compute = compile_value(expression)
            values = [compute(record, asker) for record in self.answers.probes.records]
            read = self.answers.browser.values(expression, asker)
            kind = expression.kind
            assert [comparable(kind, one) for one in read] == [
                comparable(kind, value_to_json(one)) for one in values
            ], "browser"
            written = list(dict.fromkeys(value for value in values if fits(value))) or [None]
            equal = Constant(written[chosen % len(written)], kind)
            condition = Related(expression, Operator.EQ, equal)
            expected = self.answers.of_closure(condition, asker)
            self._of_database(condition, asker, expected, equal.value)

        await asyncio.to_thread(hold)

    def _of_database(
        self, condition: TypedCondition, asker: Asker, expected: list[bool], *about: object
    ) -> None:
        asked = self.answers.of_database(condition, asker)
        found = asyncio.run_coroutine_threadsafe(asked, self._loop).result(SECONDS)
        assert found == expected, f"database: {different(self.answers, found, expected, *about)}"


def different(answers: Answers, found: list[bool], expected: list[bool], *about: object) -> object:
    """Return what a failure shows: the first record that is answered otherwise."""
    pairs = zip(found, expected, answers.probes.records, strict=True)
    return *about, next(
        (one, {key: str(value) for key, value in record.items() if not isinstance(value, list)})
        for one, other, record in pairs
        if one != other
    )


def comparable(kind: ValueKind, value: Any) -> Any:
    """Return a JSON value with numbers as numbers, whatever their zeros."""
    is_number = kind in (ValueKind.WHOLE, ValueKind.DECIMAL, ValueKind.FLOAT, ValueKind.OPTION)
    return Decimal(str(value)) if is_number and value is not None else value


def fits(value: Any) -> bool:
    """Return whether a value can be written out in a condition."""
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@pytest.fixture
async def agreement(answers):
    """Give what compares all back ends."""
    return Agreement(answers)


async def test_every_back_end_answers_alike(agreement):
    await agreement.on_conditions(few)
    assert agreement.answers.split > 25, "conditions that hold for some records, and not for all"
    for name in PERIODS:
        await agreement.on_conditions(fewest, periods(agreement.scope, name))
    for name in FUNCTIONS:
        await agreement.on_values(fewest, applications(agreement.scope, name))


@pytest.mark.slow
async def test_every_back_end_finds_the_same_records_in_many_cases(agreement):
    await agreement.on_conditions(many)
    assert agreement.answers.asked >= 20_000
    for name in PERIODS:
        await agreement.on_conditions(some, periods(agreement.scope, name))


@pytest.mark.slow
async def test_every_back_end_computes_the_same_values_in_many_cases(agreement):
    await agreement.on_values(many)
    for name in FUNCTIONS:
        await agreement.on_values(some, applications(agreement.scope, name))


def test_early_years_are_stored_so_that_they_sort():
    assert encode_instant(datetime(5, 1, 2, tzinfo=UTC)) == "0005-01-02T00:00:00Z"


def letters() -> list[str]:
    """Return the letters whose case and accents are compared."""
    ranges = [(0x20, 0x250), (0x370, 0x400), (0x400, 0x530), (0x1E00, 0x2000), (0x2100, 0x2190)]
    return [chr(code) for first, last in ranges for code in range(first, last)]


def test_texts_are_folded_alike_by_python_and_the_browser(browser):
    texts = [*letters(), "ΑΣ ΣΑΣ", "İstanbul", "e\u0301\u0302", "\U0001f600Ł", "ŒUVRE ß"]
    different = [
        (text, found, fold(text))
        for text, found in zip(texts, browser.folded(texts), strict=True)
        if found != fold(text)
    ]
    assert different == []


async def test_texts_are_folded_alike_by_python_and_the_database(start_app, every_type):
    app = await start_app(metadata=every_type)
    placeholder = "%(t)s::text" if app.parts.database.engine == "postgresql" else ":t"
    different = []
    async with app.parts.database.reading() as connection:
        for letter in letters():
            row = await connection.fetch_one(f"SELECT kartoteka_fold({placeholder})", {"t": letter})
            if row[0] != fold(letter):
                different.append((letter, hex(ord(letter)), row[0], fold(letter)))
    assert different == []


TEXTS = [None, "a", "A", "á", "ab", "Łódź", "lodz", "Straße", "STRASSE", "50%", "5_0", "\\", "Σίσυφος",  # noqa: E501
         "zażółć", "ZAZOLC", "İstanbul", "œuvre", "z"]  # fmt: skip


def values(random: Random, parents: list[str], account: str) -> dict[str, object]:
    """Return a record with a value, or none, in every field that conditions ask for."""
    seen = datetime(2031, 1, 1, tzinfo=UTC) + timedelta(hours=random.randrange(0, 60, 12))
    return {
        "name": random.choice(TEXTS[1:]),
        "story": random.choice(TEXTS),
        "wheels": random.choice([None, 0, 3, 18]),
        "weight": random.choice([None, Decimal("-1.5"), Decimal("0"), Decimal("2.125")]),
        "latitude": random.choice([None, -1.5, 0.0, 2.25]),
        "leased": random.choice([None, True, False]),
        "fuel": random.choice([None, 1, 2]),
        "colors": random.choice([None, (1,), (1, 12), (2, 12)]),
        "built": random.choice([None, "2031-01-01", "2031-01-02"]),
        "seen": random.choice([None, seen]),
        "opens": random.choice([None, seen.replace(tzinfo=None)]),
        "parent": random.choice([None, *[Reference("sample", parent) for parent in parents[:3]]]),
        "buyer": random.choice([None, Reference("account", account)]),
    }


async def test_pages_show_every_record_once_whatever_the_order(start_app, every_type):
    app = await start_app(metadata=every_type)
    records = await app.records_as()
    random = Random(7)
    account = await records.create("account", {"name": "Buyer"})
    ids: list[str] = []
    for _ in range(43):
        ids.append(await records.create("sample", values(random, ids, account)))
    for order in ("name", "name desc", "wheels", "wheels desc", "weight", "seen desc", "parent"):
        seen: list[str] = []
        after = ""
        for _ in range(20):
            page = await records.select(
                "sample", fields=("name",), order=[order], after=after, limit=7
            )
            seen += [row["sampleid"] for row in page.rows]
            after = page.next_after
            if not after:
                break
        assert len(seen) == len(set(seen)) == 43, order
        everything = await records.select("sample", fields=("name",), order=[order], limit=100)
        assert seen == [row["sampleid"] for row in everything.rows], order
