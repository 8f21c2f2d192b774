"""How a plain value is written: without quotes where every reader of YAML takes it for itself."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from kartoteka.loading.yaml_tree import plain_value

# What YAML's core schema reads as something else than text, beyond what our own reader does.
_NOT_TEXT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|"
    r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|<<|="
)
_INDICATORS = frozenset(",[]{}#&*!|>'\"%@`")
_FLOW_INDICATORS = frozenset(",[]{}")
_ESCAPES = {
    "\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x85": "\\N",
    "\u2028": "\\L", "\u2029": "\\P", "\ufeff": "\\uFEFF",
}  # fmt: skip
_ESCAPED = re.compile(
    '[\\\\"\n\t\r\x85\u2028\u2029\ufeff\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]'
)
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]"
)


def scalar_text(value: Any, *, in_flow: bool = False) -> str:
    """Return a text, number, true, false or nothing as one line of YAML."""
    match value:
        case str():
            return value if is_plain(value, in_flow=in_flow) else quoted(value)
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case Decimal() | float():
            return number_text(value)
        case _:
            return str(value)


def is_plain(text: str, *, in_flow: bool = False) -> bool:
    """Return whether a text needs no quotes: it is read back as itself, here and by editors."""
    if not text or text != text.strip() or _ESCAPED.search(text.replace("\\", "").replace('"', "")):
        return False
    if text[0] in _INDICATORS or (text[0] in "-?:" and (len(text) == 1 or text[1] in " ,[]{}")):
        return False
    if ": " in text or " #" in text or text.endswith(":") or text.startswith(("---", "...")):
        return False
    if in_flow and (_FLOW_INDICATORS.intersection(text) or text[0] in "-?:" or "::" in text):
        return False
    return not _NOT_TEXT.fullmatch(text) and isinstance(plain_value(text), str)


def quoted(text: str) -> str:
    """Return a text in double quotes, on one line."""
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def number_text(value: Decimal | float) -> str:
    """Return a number with a decimal point only where it has decimals, never with an exponent."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    written = format(exact, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def block_lines(text: str) -> list[str] | None:
    """Return header and lines of a text of several lines as a literal block, or None.

    None: it is one line, or holds what a literal block cannot show (leading space, odd characters,
    empty lines at an end); it is quoted then.
    """
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if len(lines) < 2 or _UNPRINTABLE.search(text) or not lines[0].strip() or not lines[-1].strip():
        return None
    if lines[0].startswith((" ", "\t")) or any(line and not line.strip() for line in lines):
        return None
    return ["|" if text.endswith("\n") else "|-", *lines]


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"
