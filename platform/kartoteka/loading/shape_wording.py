"""What a mismatch with a JSON Schema is called, in the words of people who write YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import ValidationError

from kartoteka.names import did_you_mean

_TYPE_NAMES = {
    "array": "a list", "boolean": "true or false", "integer": "a whole number",
    "number": "a number", "object": "a map", "string": "a text",
}  # fmt: skip

_OTHER_BOOLEANS = {
    "yes": "write true", "on": "write true", "no": "write false", "off": "write false",
}  # fmt: skip


def wording_of(
    error: ValidationError, schema: Mapping[str, Any], subject: str
) -> tuple[str, str, str]:
    """Return code, message and hint for a value that its schema refuses."""
    value = error.instance
    expected = schema.get("x-expected", "")
    match error.validator:
        case "type":
            names: Any = error.validator_value
            if not expected:
                expected = _TYPE_NAMES[names if isinstance(names, str) else names[0]]
            return (
                "shape/wrong-type",
                f"{subject} must be {expected}, not {_shown(value)}",
                (_type_hint(value, expected)),
            )
        case "enum" | "const":
            wanted: Any = error.validator_value
            allowed = wanted if error.validator == "enum" else [wanted]
            texts = [_plain(item) for item in allowed]
            listed = expected or f"one of {', '.join(texts)}"
            return (
                "shape/bad-value",
                f"{subject} must be {listed}, not {_shown(value)}",
                (did_you_mean(value, texts) if isinstance(value, str) else ""),
            )
        case "minItems" | "minProperties" | "minLength":
            return "shape/empty", f"{subject} must not be empty", ""
        case "pattern" | "maxLength" if expected.startswith("a name "):
            return "shape/bad-name", f"{_shown(value)} is not {expected}", ""
        case "minimum" | "maximum":
            return "shape/bad-value", f"{subject} must be {expected}, not {_shown(value)}", ""
        case "maxLength":
            limit = error.validator_value
            return "shape/bad-value", f"{subject} has more than {limit} characters", ""
        case _:
            return "shape/bad-value", f"{subject} must be {expected}, not {_shown(value)}", ""


def _type_hint(value: Any, expected: str) -> str:
    if value is None:
        if expected.startswith("a color"):
            return "# begins a comment unless it is in quotes"
        return "nothing stands after the colon"
    if expected.startswith("a map of texts by language") and isinstance(value, str):
        return f"write {{ en: {shortened(value)} }}"
    if not isinstance(value, (str, dict, list)) and ("text" in expected or "quotes" in expected):
        return f'write "{_plain(value)}" in quotes'
    if expected == "true or false" and isinstance(value, str):
        return _OTHER_BOOLEANS.get(value.lower(), "")
    if expected.startswith("a list") and isinstance(value, str):
        return f"write [{shortened(value)}]"
    if expected.startswith(("a name", "the name")) and isinstance(value, list):
        return "only one can stand here"
    return ""


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a map"
        case list():
            return "a list"
        case str():
            return f'"{shortened(value)}"'
        case _:
            return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def shortened(text: str) -> str:
    """Return a text that people typed, cut where a message would become too long."""
    return text if len(text) <= 60 else text[:59] + "…"
