"""Rules about the format of autonumbers.

Source: reference platform, section 1.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import Mark
from kartoteka.model.field import Field

_PART = re.compile(r"\{([^{}:]*):?([^{}]*)\}")
_MAX_RANDOM = 6
_MAX_DIGITS = 15


def check_number_format(field: Field, mark: Mark) -> Iterator[Diagnostic]:
    """Yield what is wrong with ``number_format``; columns point into the text."""
    text = field.number_format
    rest = _PART.sub("", text)
    length = len(rest)
    kinds: list[str] = []
    for match in _PART.finditer(text):
        kind, argument = match[1], match[2]
        kinds.append(kind)
        place = mark.inside(match.start())
        if kind == "DATETIMEUTC":
            length += len(argument)
            if not argument:
                yield Diagnostic(
                    place, "field/number-format",
                    f'"{match[0]}" does not say how to write the date', "such as yyyyMMdd",
                )  # fmt: skip
            continue
        if kind not in ("SEQNUM", "RANDSTRING"):
            yield Diagnostic(
                place, "field/number-format", f'"{match[0]}" is not part of a number format',
                "one of {SEQNUM:n}, {RANDSTRING:n}, {DATETIMEUTC:yyyyMMdd}",
            )  # fmt: skip
            continue
        most = _MAX_DIGITS if kind == "SEQNUM" else _MAX_RANDOM
        if not argument.isdecimal() or not 1 <= int(argument[:3]) <= most:
            yield Diagnostic(
                place, "field/number-format",
                f'"{match[0]}" must say how many characters, from 1 to {most}',
            )  # fmt: skip
            continue
        length += int(argument)
    if "{" in rest or "}" in rest:
        yield Diagnostic(
            mark.location(), "field/number-format", "a brace has no counterpart",
            "placeholders look like {SEQNUM:5}",
        )  # fmt: skip
    elif "SEQNUM" not in kinds and "RANDSTRING" not in kinds:
        yield Diagnostic(
            mark.location(), "field/number-format", "every record would get the same number",
            "add {SEQNUM:5}",
        )  # fmt: skip
    elif field.max_length is not None and length > field.max_length:
        yield Diagnostic(
            mark.location(), "field/number-format",
            f"numbers have at least {length} characters, but max_length is {field.max_length}",
        )  # fmt: skip
