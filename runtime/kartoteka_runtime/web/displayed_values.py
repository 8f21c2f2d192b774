"""Generated functions that turn a record into what templates show, deciding nothing per value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from kartoteka.model.field import Field
from kartoteka_runtime.localization.format_value import value_writer
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.web.entity_model import OptionModel, option_by_value
from kartoteka_runtime.web.form_model import ControlModel

Show = Callable[[Any], Any]
RowReader = Callable[[Mapping[str, Any], MoneyWriters], Any]


def show_function(item: Field, control: ControlModel, language: str, zone: tzinfo) -> Show | None:
    """Return a function from a value, not None, to what the widget shows; None: the value itself.

    Options become ``OptionModel``; references and parties stay what they are.
    """
    match control.widget:
        case "choice" | "yes_no" | "status" | "language" | "time_zone":
            options = option_by_value(control.options)
            return lambda value: options.get(value) or OptionModel(str(value), str(value))
        case "multi_choice":
            several = option_by_value(control.options)
            return lambda value: [several[one] for one in value if one in several]
        case "lookup" | "parties" | "text" | "email" | "url" | "phone" | "multi_line" | "id":
            return None
    return value_writer(item, language, zone)


def row_function(columns: Sequence[tuple[str, str, Show | None]]) -> RowReader:
    """Return a function from a row and money writers to a tuple of shown values, '' when empty.

    Each column is (path in the row, "own", "base" or "" for money, what shows other values).
    """
    items = "".join(f"{_expression(column, number)}, " for number, column in enumerate(columns))
    return _generate(f"({items})", columns)


def record_function(columns: Sequence[tuple[str, str, Show | None]]) -> RowReader:
    """Return a function from a record and money writers to ``{field: shown value}``."""
    items = ", ".join(
        f"{column[0]!r}: {_expression(column, number)}" for number, column in enumerate(columns)
    )
    return _generate(f"{{{items}}}", columns)


def _expression(column: tuple[str, str, Show | None], number: int) -> str:
    path, money, show = column
    if money:
        shown = f"m.{money}(v, r)"
    else:
        shown = "v" if show is None else f"f{number}(v)"
    return f"('' if (v := r.get({path!r})) is None else {shown})"


def _generate(expression: str, columns: Sequence[tuple[str, str, Show | None]]) -> RowReader:
    names = {f"f{number}": show for number, (_, _, show) in enumerate(columns)}
    source = f"lambda r, m: {expression}"
    reader: RowReader = eval(source, names)  # noqa: S307 - built from logical names alone
    return reader
