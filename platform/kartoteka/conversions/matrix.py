"""``conversion``: from one definition of a field to another; one row a pair of families."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kartoteka.conversions import amounts, moments, option_values, references, texts
from kartoteka.conversions.conversion import Conversion, impossible, unchanging
from kartoteka.model.field import Field
from kartoteka.model.field_types import storage_of

Row = Callable[[Field, Field], Conversion]

# Field types whose values are alike; date_times are told apart by their behavior.
FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "text": "text",
        "autonumber": "text",
        "whole_number": "whole number",
        "big_integer": "whole number",
        "decimal": "decimal",
        "money": "decimal",
        "float": "decimal",
        "yes_no": "yes or no",
        "choice": "choice",
        "state": "choice",
        "status": "choice",
        "multi_choice": "multi-choice",
        "date": "day",
        "lookup": "lookup",
        "customer": "lookup",
        "owner": "lookup",
        "regarding": "lookup",
        "unique_id": "id",
        "party_list": "parties",
        "file": "file",
        "image": "image",
    }
)
_MOMENTS = {"date": "day", "instant": "instant", "local_time": "local time"}

# What is missing here is impossible.
_ROWS: Mapping[tuple[str, str], Row] = {
    ("text", "text"): texts.text_to_text,
    ("text", "whole number"): amounts.text_to_number,
    ("text", "decimal"): amounts.text_to_number,
    ("text", "yes or no"): option_values.text_to_yes_no,
    ("text", "choice"): option_values.text_to_choice,
    ("text", "multi-choice"): option_values.text_to_multi_choice,
    ("text", "day"): moments.text_to_day,
    ("text", "instant"): moments.text_to_instant,
    ("text", "local time"): moments.text_to_local_time,
    ("text", "id"): references.text_to_id,
    ("whole number", "text"): amounts.number_to_text,
    ("whole number", "whole number"): amounts.number_to_number,
    ("whole number", "decimal"): amounts.number_to_number,
    ("whole number", "yes or no"): option_values.number_to_yes_no,
    ("whole number", "choice"): option_values.number_to_choice,
    ("decimal", "text"): amounts.number_to_text,
    ("decimal", "whole number"): amounts.number_to_number,
    ("decimal", "decimal"): amounts.number_to_number,
    ("yes or no", "text"): option_values.yes_no_to_text,
    ("yes or no", "whole number"): option_values.yes_no_to_number,
    ("yes or no", "yes or no"): unchanging,
    ("yes or no", "choice"): option_values.yes_no_to_choice,
    ("choice", "text"): option_values.choice_to_text,
    ("choice", "whole number"): option_values.choice_to_number,
    ("choice", "yes or no"): option_values.choice_to_yes_no,
    ("choice", "choice"): option_values.choice_to_choice,
    ("choice", "multi-choice"): option_values.choice_to_multi_choice,
    ("multi-choice", "text"): option_values.multi_choice_to_text,
    ("multi-choice", "choice"): option_values.multi_choice_to_choice,
    ("multi-choice", "multi-choice"): unchanging,
    ("day", "text"): moments.day_to_text,
    ("day", "day"): unchanging,
    ("day", "instant"): moments.day_to_instant,
    ("day", "local time"): moments.day_to_local_time,
    ("instant", "text"): moments.instant_to_text,
    ("instant", "day"): moments.moment_to_day,
    ("instant", "instant"): unchanging,
    ("instant", "local time"): moments.instant_to_local_time,
    ("local time", "text"): moments.local_time_to_text,
    ("local time", "day"): moments.moment_to_day,
    ("local time", "instant"): moments.local_time_to_instant,
    ("local time", "local time"): unchanging,
    ("lookup", "text"): references.lookup_to_text,
    ("lookup", "lookup"): references.lookup_to_lookup,
    ("lookup", "id"): references.lookup_to_id,
    ("id", "text"): texts.ids_as_text,
    ("id", "id"): unchanging,
    ("parties", "parties"): unchanging,
    ("file", "file"): unchanging,
    ("image", "image"): unchanging,
}


def conversion(before: Field, after: Field) -> Conversion:
    """Return how values of a field are carried over when its definition changes.

    Only what a value may be counts: labels, defaults, ``required``, ``read_only`` and a text's
    format (other than multi_line) do not. Uniqueness is no matter of one value and not looked at.

    Args:
        before: The live definition; its targets under their present names.
        after: The wanted definition; its own name may be another one.
    """
    row = _ROWS.get((family(before), family(after)))
    return row(before, after) if row is not None else impossible(before.type, after.type)


def family(field: Field) -> str:
    """Return the name of the field types whose values are alike: a row of the reference page."""
    if field.type == "date_time":
        return _MOMENTS[storage_of(field)]
    return FAMILIES[field.type]
