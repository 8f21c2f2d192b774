"""YamlMap and YamlList: plain containers that know where each key and value stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kartoteka.location import Location


class Mark(NamedTuple):
    """A place in a file; ``line`` and ``column`` count from 1.

    ``text_shift`` is how many columns after the mark the text of a scalar begins (1 when it is
    quoted), or -1 when it spans lines, so that no column inside it can be told.
    """

    file: str
    line: int
    column: int
    text_shift: int = 0

    def location(self, path: str = "") -> Location:
        """Return the place as diagnostics show it."""
        return Location(self.file, self.line, self.column, path)

    def inside(self, offset: int) -> Location:
        """Return the place ``offset`` characters into the scalar that stands here."""
        if self.text_shift < 0:
            return self.location()
        return Location(self.file, self.line, self.column + self.text_shift + offset)


class DerivedMark(Mark):
    """The place of something that nobody wrote down, but that follows from what stands here."""

    __slots__ = ()


BUILT_IN = Mark("<built in>", 1, 1)


# What a layer did with an item of a list, as ``ListNote`` tells it.
ADDED, MOVED, REMOVED = "added", "moved", "removed"


class ListNote(NamedTuple):
    """What a layer did with an item of a list: ``added``, ``removed``, ``moved after name``."""

    name: str
    what: str
    mark: Mark


_NONE_EARLIER: Mapping[str, tuple[tuple[Mark, Any], ...]] = MappingProxyType({})


class YamlMap(dict[str, Any]):
    """A mapping with the mark of each key and value.

    ``earlier`` keeps, for a key that a later layer set again, where lower layers had set it and
    to what, lowest first. ``damaged`` names keys that were refused and taken out, so that nobody
    complains a second time about what is missing.
    """

    __slots__ = ("damaged", "earlier", "key_marks", "mark", "value_marks")

    def __init__(self, mark: Mark = BUILT_IN) -> None:
        """Start empty at a place."""
        self.mark = mark
        self.key_marks: dict[str, Mark] = {}
        self.value_marks: dict[str, Mark] = {}
        self.earlier: Mapping[str, tuple[tuple[Mark, Any], ...]] = _NONE_EARLIER
        self.damaged: frozenset[str] = frozenset()

    def put(self, key: str, value: Any, *, key_mark: Mark, value_mark: Mark) -> None:
        """Set a key together with its places.

        The marks are made anew rather than changed: copies of the map share them, which makes
        copying twice as fast, and hardly any map gets a key after it was copied.
        """
        self[key] = value
        self.key_marks = {**self.key_marks, key: key_mark}
        self.value_marks = {**self.value_marks, key: value_mark}

    def put_again(self, key: str, value: Any, *, key_mark: Mark, value_mark: Mark) -> None:
        """Set a key that a lower layer may have set; what it was is kept among the earlier ones."""
        if key in self:
            self.note_earlier(key, self[key], self.value_marks[key])
        self.put(key, value, key_mark=key_mark, value_mark=value_mark)

    def note_earlier(self, key: str, value: Any, mark: Mark) -> None:
        """Remember that a lower layer set ``key``, without effect any more."""
        self.earlier = {**self.earlier, key: (*self.earlier.get(key, ()), (mark, value))}

    def take_out(self, key: str) -> None:
        """Remove a key that was refused, and remember that there was one."""
        self.pop(key, None)
        self.damaged |= {key}

    def at(self, key: str, path: str = "") -> Location:
        """Return where the value of ``key`` stands, or this mapping when it has none."""
        return self.value_marks.get(key, self.mark).location(path)

    def at_key(self, key: str, path: str = "") -> Location:
        """Return where ``key`` itself stands, or this mapping when it has none."""
        return self.key_marks.get(key, self.mark).location(path)


class YamlList(list[Any]):
    """A sequence with the mark of each item; ``is_damaged`` when some were refused.

    ``notes`` tell, in the order in which it happened, what layers did with items that cannot be
    told from the items themselves.
    """

    __slots__ = ("is_damaged", "item_marks", "mark", "notes")

    def __init__(self, mark: Mark = BUILT_IN) -> None:
        """Start empty at a place."""
        self.mark = mark
        self.item_marks: list[Mark] = []
        self.is_damaged = False
        self.notes: tuple[ListNote, ...] = ()

    def add(self, value: Any, mark: Mark) -> None:
        """Append a value together with its place."""
        self.append(value)
        self.item_marks.append(mark)

    def marked(self) -> Iterable[tuple[Any, Mark]]:
        """Yield each item with its place."""
        return zip(self, self.item_marks, strict=True)

    def at(self, index: int, path: str = "") -> Location:
        """Return where an item stands."""
        return self.item_marks[index].location(path)


def copy_of(value: Any) -> Any:
    """Return a copy that can be merged into without touching the original; marks are kept."""
    if isinstance(value, YamlMap):
        copied = YamlMap.__new__(YamlMap)
        copied.update(value)
        copied.mark = value.mark
        copied.key_marks = value.key_marks
        copied.value_marks = value.value_marks
        copied.earlier = value.earlier
        copied.damaged = value.damaged
        for key, item in value.items():
            if isinstance(item, (YamlMap, YamlList)):
                copied[key] = copy_of(item)
        return copied
    if isinstance(value, YamlList):
        items = YamlList(value.mark)
        items.item_marks = value.item_marks.copy()
        items.is_damaged = value.is_damaged
        items.notes = value.notes
        items += [
            copy_of(item) if isinstance(item, (YamlMap, YamlList)) else item for item in value
        ]
        return items
    return value


def marks_in(value: Any) -> Iterator[Mark]:
    """Yield the mark of everything that files say in a value, also of what a layer overruled."""
    if isinstance(value, YamlMap):
        yield from value.value_marks.values()
        for earlier in value.earlier.values():
            yield from (mark for mark, _ in earlier)
        for item in value.values():
            if isinstance(item, (YamlMap, YamlList)):
                yield from marks_in(item)
    elif isinstance(value, YamlList):
        yield from value.item_marks
        yield from (note.mark for note in value.notes)
        for item in value:
            if isinstance(item, (YamlMap, YamlList)):
                yield from marks_in(item)
