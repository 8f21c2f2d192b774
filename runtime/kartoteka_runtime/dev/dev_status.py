"""DevStatus: how the app's files and what is live stand to one another."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kartoteka.registry import Registry
from kartoteka_runtime.dev.mistakes import Mistake
from kartoteka_runtime.publishing.plan import Plan

START = secrets.token_hex(8)  # tells one start of the server from the next


class State(StrEnum):
    """What there is to say about the files."""

    CHECKING = "checking"
    LIVE = "live"  # what they say is published
    MISTAKES = "mistakes"  # they have some
    HELD = "held"  # publishing them needs somebody's word
    PUBLISHING = "publishing"  # somebody gave it
    FAILED = "failed"  # they could not be checked, planned or published; ``problem`` says why


NEEDS_ATTENTION = frozenset({State.MISTAKES, State.HELD, State.PUBLISHING, State.FAILED})


@dataclass(frozen=True, slots=True)
class DevStatus:
    """One outcome of looking at the files.

    Attributes:
        step: Counts up; a page that shows a step knows whether there is a newer one.
        number: The publication that is live; 0 before the first.
        registry: What the files mean, when they have no mistakes.
        plan: What publishing that would do.
        is_postponed: Whether somebody wants to keep the old definitions for now.
        problem: Why it failed.
        restart: What changed that a server takes up only when it starts; "" when nothing did.
        restart_problem: Why it could not be started anew; "" when nobody tried.
        published: The entities that each of the latest publications changed; None stands for all.
        seconds: From noticing the change to now.
    """

    step: int = 0
    state: State = State.CHECKING
    number: int = 0
    mistakes: tuple[Mistake, ...] = ()
    registry: Registry | None = None
    plan: Plan | None = None
    is_postponed: bool = False
    problem: str = ""
    restart: str = ""
    restart_problem: str = ""
    published: Mapping[int, frozenset[str] | None] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def needs_attention(self) -> bool:
        """Return whether a page should say something of it by itself."""
        return bool(self.restart) or (self.state in NEEDS_ATTENTION and not self.is_postponed)
