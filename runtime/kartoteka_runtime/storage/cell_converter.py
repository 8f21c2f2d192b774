"""CellConverter: the stored cells of a field, turned into those of its new definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kartoteka.conversions import DoesNotConvert, conversion
from kartoteka.model.field import Field
from kartoteka_runtime.storage.stored_values import Cells, cell_reader, cell_writer
from kartoteka_runtime.storage.table_changes import Converted


class CellConverter:
    """Converts one field's cells, row by row.

    A value that does not convert becomes empty. Where the values from before an earlier conversion
    are still there, a value that came out of one of them and was not changed since becomes exactly
    that one again.
    """

    def __init__(self, converted: Converted, engine: str) -> None:
        """Prepare the conversion of one field."""
        self.failed = 0
        self._width = len(converted.columns)
        self._read = cell_reader(converted.stored, engine)
        self._write = cell_writer(converted.field, engine)
        self._convert = converted.conversion.convert
        self._original = None
        if converted.original is not None:
            was = converted.original.definition
            assert isinstance(was, Field)
            self._original = (
                cell_reader(was, engine),
                conversion(was, converted.stored).convert,
                conversion(was, converted.field).convert,
            )

    def __call__(self, cells: Sequence[Any]) -> Cells:
        """Return the new cells for a row's old ones (then those of the original)."""
        value = self._read(cells[: self._width])
        if self._original is not None:
            restored = self._restored(value, cells[self._width :])
            if restored is not None:
                return self._write(restored)
        if value is None:
            return self._write(None)
        try:
            return self._write(self._convert(value))
        except DoesNotConvert:
            self.failed += 1
            return self._write(None)

    def _restored(self, value: Any, cells: Sequence[Any]) -> Any:
        assert self._original is not None
        read, forward, back = self._original
        was = read(cells)
        if was is None:
            return None
        try:
            became = forward(was)
        except DoesNotConvert:
            became = None
        if became != value:
            return None  # somebody has changed it since
        try:
            return back(was)
        except DoesNotConvert:
            return None
