"""Generated functions that turn a record into what templates show, deciding nothing per value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from markupsafe import Markup, escape

from kartoteka.access.mask import MaskedText
from kartoteka.model.field import FILE_NAME, Field
from kartoteka_runtime.localization.format_value import value_writer
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.web.entity_model import OptionModel, option_by_value
from kartoteka_runtime.web.form_model import ControlModel

Show = Callable[[Any], Any]
Shown = tuple[str, str, Show | None, bool]
RowReader = Callable[[Mapping[str, Any], MoneyWriters], Any]


def kept(value: Any) -> Any:
    """Return what a page shows of a value that is masked; anything else as it is."""
    return Masked(escape(value)) if isinstance(value, MaskedText) else value


class Masked(Markup):
    """What a mask leaves of a value, whatever widget would show it."""

    is_kept = True


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
        case "file":
            return file_name
        case (
            "lookup"
            | "parties"
            | "image"
            | "text"
            | "email"
            | "url"
            | "phone"
            | "multi_line"
            | "id"
        ):
            return None
    return value_writer(item, language, zone)


def file_name(value: Any) -> str:
    """Stand for the name of a file, which lies beside its id in the record."""
    return str(value)


def row_function(columns: Sequence[Shown]) -> RowReader:
    """Return a function from a row and money writers to a tuple of shown values, '' when empty.

    Each column is (path in the row, "own", "base" or "" for money, what shows other values, whether
    its values may be masked).
    """
    items = "".join(f"{_expression(column, number)}, " for number, column in enumerate(columns))
    return _generate(f"({items})", columns)


def record_function(columns: Sequence[Shown]) -> RowReader:
    """Return a function from a record and money writers to ``{field: shown value}``."""
    items = ", ".join(
        f"{column[0]!r}: {_expression(column, number)}" for number, column in enumerate(columns)
    )
    return _generate(f"{{{items}}}", columns)


def _expression(column: Shown, number: int) -> str:
    path, money, show, is_secured = column
    if money:
        shown = f"m.{money}(v, r)"
    elif show is file_name:
        shown = f"(r.get({path + FILE_NAME!r}) or v)"
    else:
        shown = "v" if show is None else f"f{number}(v)"
    if is_secured:
        shown = f"kept(v) if isinstance(v, MaskedText) else {shown}"
    return f"('' if (v := r.get({path!r})) is None else {shown})"


def _generate(expression: str, columns: Sequence[Shown]) -> RowReader:
    names: dict[str, Any] = {f"f{number}": column[2] for number, column in enumerate(columns)}
    names |= {"kept": kept, "MaskedText": MaskedText}
    source = f"lambda r, m: {expression}"
    reader: RowReader = eval(source, names)  # noqa: S307 - built from logical names alone
    return reader
