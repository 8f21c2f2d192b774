"""Conversion: how values of one field are carried over, and DoesNotConvert: why one is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kartoteka.errors import KartotekaError
from kartoteka.model.field import Field

Kind = Literal["none", "widening", "checked", "impossible"]
Convert = Callable[[Any], Any]

# Why a value does not convert, as a sentence; the names in braces are the parameters.
SENTENCES: Mapping[str, str] = {
    "ambiguous_option": '"{value}" is the label of more than one option',
    "has_time": "{value} has a time of day",
    "has_zone": "{value} names a time zone",
    "impossible": "no {before} becomes a {after}",
    "line_break": '"{value}" has more than one line',
    "not_a_date": '"{value}" is not a date such as 2031-05-06',
    "not_a_date_time": '"{value}" is not a date and time such as 2031-05-06T12:00:00',
    "not_a_number": '"{value}" is not a number such as -12.70',
    "not_an_id": '"{value}" is not an id',
    "not_an_option": '"{value}" is not one of the options',
    "not_exact": "{value} has more digits than a floating-point number keeps",
    "not_whole": "{value} is not a whole number",
    "several_options": "{value} are several options",
    "target_gone": 'records of "{entity}" can no longer be named',
    "too_early": "{value} is before {min}",
    "too_large": "{value} is more than {max}",
    "too_long": "the text has {length} characters, {max} are allowed",
    "too_many": "{count} options are more than {max}",
    "too_precise": "{value} has more than {precision} decimal places",
    "too_small": "{value} is less than {min}",
}
_MOST_SHOWN = 80


class DoesNotConvert(KartotekaError):
    """A value has no place in the changed field; ``str()`` is an English sentence.

    ``reason`` is a key of ``SENTENCES``; ``params`` fill that sentence, texts cut to 80 characters.
    """

    def __init__(self, reason: str, **params: Any) -> None:
        """Keep why."""
        self.reason = reason
        self.params = {name: _shortened(value) for name, value in params.items()}
        super().__init__(SENTENCES[reason].format(**self.params))


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MOST_SHOWN:
        return value[: _MOST_SHOWN - 1] + "…"
    return value


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the values of a field are carried over to its changed definition.

    Attributes:
        kind: ``none``: stored the same, and every value stays as it is and is valid.
            ``widening``: every value converts, and the opposite conversion gives it back.
            ``checked``: each value converts or does not, or cannot be told from others
            afterwards. ``impossible``: no value converts.
            Speaks of values that the field took before. What got past its rules (a number from
            before ``max`` was lowered) is found by ``convert``, whatever the kind.
        convert: Returns the new record value of a record value; never called with None, never
            returns None. Raises DoesNotConvert and nothing else.
    """

    kind: Kind
    convert: Convert


def unchanged(value: Any) -> Any:
    """Return the value."""
    return value


def unchanging(before: Field, after: Field) -> Conversion:
    """Return the conversion between two definitions that take the same values."""
    return Conversion("none", unchanged)


def impossible(before: str, after: str) -> Conversion:
    """Return the conversion between two field types that refuses every value."""

    def refuse(value: Any) -> Any:
        raise DoesNotConvert("impossible", before=before, after=after)

    return Conversion("impossible", refuse)
