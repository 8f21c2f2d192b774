"""Steps whose results are kept together with all that they looked at, so as not to do them twice.

A step is work on one object (read it, check it) that looks at others through watched mappings. What
it looked at is written down: mapping, name and the very object found there. As long as each of
these names still gives the same object, the step would find the same, and its result stands.
Nothing is ever declared outdated; see decisions/0017.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Protocol, TypeVar

T = TypeVar("T")

_Look = tuple[str, str | None, object]  # mapping, name (None: all names) and what was found


class Steps(Protocol):
    """Where steps are carried out."""

    def watched(self, mapping: str, found: Mapping[str, T]) -> Mapping[str, T]:
        """Return a mapping through which steps of this round look at ``found``."""

    def result(self, step: Hashable, work: Callable[[], T]) -> T:
        """Return what ``work`` returns; it looks at nothing but what is watched."""


class ForgetfulSteps:
    """Carries out every step; what a single check needs."""

    def watched(self, mapping: str, found: Mapping[str, T]) -> Mapping[str, T]:
        """Return the mapping itself."""
        return found

    def result(self, step: Hashable, work: Callable[[], T]) -> T:
        """Return what ``work`` returns."""
        return work()


FORGETFUL = ForgetfulSteps()


class RememberedSteps:
    """Carries out a step only when something that it looked at is no longer what it was.

    Values are compared by identity: whoever makes the mappings anew for a next round must put the
    same objects into them where nothing has changed. (Tuples of names are compared as they are.)
    """

    def __init__(self) -> None:
        """Remember nothing."""
        self._current: dict[str, Mapping[str, object]] = {}
        self._known: dict[Hashable, tuple[tuple[_Look, ...], object]] = {}
        self._looks: dict[tuple[str, str | None], object] = {}

    def watched(self, mapping: str, found: Mapping[str, T]) -> Mapping[str, T]:
        """Return ``found`` for this round; looks into it are written down."""
        self._current[mapping] = found
        return _Watched(mapping, found, self)

    def result(self, step: Hashable, work: Callable[[], T]) -> T:
        """Return what ``work`` returned when it last looked at what is there now."""
        known = self._known.get(step)
        if known is not None and self._still_holds(known[0]):
            return known[1]  # type: ignore[return-value]  # a step always returns the same type
        self._looks = {}
        done = work()
        looks = tuple((mapping, name, seen) for (mapping, name), seen in self._looks.items())
        self._known[step] = (looks, done)
        return done

    def looked(self, mapping: str, name: str | None, found: object) -> None:
        """Write down what the present step found under a name."""
        self._looks[mapping, name] = found

    def _still_holds(self, looks: tuple[_Look, ...]) -> bool:
        current = self._current
        for mapping, name, seen in looks:
            if name is None:
                if tuple(current[mapping]) != seen:
                    return False
            else:
                found = current[mapping].get(name)
                if found is not seen and not (isinstance(seen, tuple) and found == seen):
                    return False
        return True


class _Watched(Mapping[str, T]):
    """A mapping that tells ``RememberedSteps`` what is looked at."""

    def __init__(self, mapping: str, found: Mapping[str, T], steps: RememberedSteps) -> None:
        self._mapping = mapping
        self._found = found
        self._steps = steps

    def __getitem__(self, name: str) -> T:
        self._steps.looked(self._mapping, name, self._found.get(name))
        return self._found[name]

    def get(self, name: str, default: T | None = None) -> T | None:  # type: ignore[override]
        found = self._found.get(name)
        self._steps.looked(self._mapping, name, found)
        return default if found is None else found

    def __contains__(self, name: object) -> bool:
        self._steps.looked(self._mapping, str(name), self._found.get(str(name)))
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        self._steps.looked(self._mapping, None, tuple(self._found))
        return iter(self._found)

    def __len__(self) -> int:
        self._steps.looked(self._mapping, None, tuple(self._found))
        return len(self._found)
