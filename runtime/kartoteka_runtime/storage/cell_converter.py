"""CellConverter: the stored cells of a field, turned into those of its new definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from kartoteka.conversions import DoesNotConvert, conversion
from kartoteka.model.field import Field
from kartoteka.record_values import Reference
from kartoteka_runtime.storage.stored_values import Cells, cell_reader, cell_writer
from kartoteka_runtime.storage.table_changes import Converted

_NOTHING = object()


class CellConverter:
    """Converts one field's cells, row by row.

    A value that does not convert becomes empty. Where the values from before an earlier conversion
    are still there, a value that came out of one of them and was not changed since becomes exactly
    that one again.

    Attributes:
        failed: How many values did not convert.
        unreturned: How many values from before have no place in the field.
    """

    def __init__(self, converted: Converted, engine: str) -> None:
        """Prepare the conversion of one field."""
        self.failed = 0
        self.unreturned = 0
        names = converted.entity_names
        self._width = len(converted.columns)
        self._read = _reader(converted.stored, engine, names)
        self._write = _writer(converted.field, engine, names)
        self._convert = converted.conversion.convert
        self._original: tuple[Callable[[Sequence[Any]], Any], ...] | None = None
        if converted.original is not None:
            was = converted.original.definition
            assert isinstance(was, Field)
            steps = (was, *(converted.original.became or (converted.stored,)))
            self._original = (
                _reader(was, engine, names),
                _chain([conversion(one, next_one).convert for one, next_one in pairwise(steps)]),
                _chain([conversion(was, converted.stored).convert]),
                conversion(was, converted.field).convert,
            )

    def __call__(self, cells: Sequence[Any]) -> Cells:
        """Return the new cells for a row's old ones (then those of the original)."""
        return self._write(self.value(cells)[1])

    def value(self, cells: Sequence[Any]) -> tuple[Any, Any, DoesNotConvert | None]:
        """Return a row's old value, its new one, and why there is none though there was one."""
        value = self._read(cells[: self._width])
        if self._original is not None:
            restored = self._restored(value, cells[self._width :])
            if restored is not _NOTHING:
                return value, restored, None
        if value is None:
            return None, None, None
        try:
            return value, self._convert(value), None
        except DoesNotConvert as refused:
            self.failed += 1
            return value, None, refused

    def _restored(self, value: Any, cells: Sequence[Any]) -> Any:
        assert self._original is not None
        read, forward, directly, back = self._original
        was = read(cells)
        if was is None or value not in (forward(was), directly(was)):
            return _NOTHING  # there was none, or somebody has changed it since
        try:
            return back(was)
        except DoesNotConvert:
            self.unreturned += 1
            return _NOTHING


def _chain(steps: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Return the function from a value to what it has become, one conversion after the other."""

    def forward(value: Any) -> Any:
        try:
            for step in steps:
                value = step(value)
        except DoesNotConvert:
            return None
        return value

    return forward


def _reader(field: Field, engine: str, names: Mapping[str, str]) -> Callable[[Sequence[Any]], Any]:
    """Return the function that reads cells; entities get the names that they are about to have."""
    read = cell_reader(field, engine)
    if not names or not field.is_multi_target:
        return read

    def named(cells: Sequence[Any]) -> Any:
        value = read(cells)
        return (
            None if value is None else value._replace(entity=names.get(value.entity, value.entity))
        )

    return named


def _writer(field: Field, engine: str, names: Mapping[str, str]) -> Callable[[Any], Cells]:
    """Return the function that writes cells; every cell gets the new names at the end."""
    write = cell_writer(field, engine)
    olds = {new: old for old, new in names.items()}
    if not olds or not field.is_multi_target:
        return write

    def named(value: Any) -> Cells:
        if isinstance(value, Reference):
            value = value._replace(entity=olds.get(value.entity, value.entity))
        return write(value)

    return named
