"""Every path to records says what the oracle says, in random organizations.

The quick run looks at a few organizations, the slow one at many; both print how many decisions
were compared on which path.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share lies beside them

from comparing import Comparison  # type: ignore[import-not-found]  # noqa: E402
from oracle import World  # type: ignore[import-not-found]  # noqa: E402
from organizations import (  # type: ignore[import-not-found]  # noqa: E402
    Stage,
    known_world,
    stage,
    worlds,
)

_PATIENT = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes
    suppress_health_check=[
        HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture,
    ],
)  # fmt: skip


class Decisions(Counter[str]):
    """How many decisions were compared on each path."""

    def __repr__(self) -> str:
        """Return how many."""
        return f"{self.total()} decisions"


@pytest.fixture
def opened(empty_database: str, tmp_path: Path) -> Iterator[Stage]:
    """Give one app, published once for all organizations."""
    with stage(tmp_path / "app", empty_database) as found:
        yield found


@pytest.fixture
def counts(engine: str) -> Iterator[Counter[str]]:
    """Count what is compared, and say so at the end."""
    found = Decisions()
    yield found
    print(f"\n{engine}: {found.total():,} decisions compared on {len(found)} paths")


def _compare(opened: Stage, counts: Counter[str], world: World) -> None:
    opened.build(world)
    comparison = Comparison(opened, world, counts)
    opened.run(comparison.everything(writes=True, http=True, explain=True))
    comparison.check()


def test_what_was_once_decided_otherwise(opened: Stage, counts: Counter[str]) -> None:
    _compare(opened, counts, known_world())


@settings(_PATIENT, max_examples=1, derandomize=True)
@given(data=st.data())
def test_every_path_decides_as_the_oracle_does(
    opened: Stage, counts: Counter[str], data: st.DataObject
) -> None:
    _compare(opened, counts, data.draw(worlds(people=4, records=9)))


@pytest.mark.slow
@settings(_PATIENT, max_examples=30)
@given(data=st.data())
def test_every_path_decides_as_the_oracle_does_in_many_organizations(
    opened: Stage, counts: Counter[str], data: st.DataObject
) -> None:
    _compare(opened, counts, data.draw(worlds(people=6, records=18)))
