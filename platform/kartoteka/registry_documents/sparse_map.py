"""The content of a document without what says nothing, and the values that maps have in common."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kartoteka.model.label import Label
from kartoteka.yaml_text.source_tree import Node

Map = dict[str, Any]


def sparse(content: Map) -> Map:
    """Return a map without what says nothing: None, false, empty texts, maps and lists.

    Where one of these does say something, it is wrapped in ``Said``.
    """
    return {
        key: value.value if isinstance(value, Said) else value
        for key, value in content.items()
        if isinstance(value, Said) or (value not in (None, "", [], {}) and value is not False)
    }


class Said:
    """A value that is written although it looks empty."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        """Have ``sparse`` write ``value`` as it is."""
        self.value = value


def unless(value: Any, default: Any) -> Any:
    """Return a value that is written, or None for one that equals the default."""
    return None if value == default or value is None else Said(value)


def label_map(label: Label) -> Map:
    """Return the texts of a label by language."""
    return dict(label.texts)


def exact_number(value: Decimal) -> Node:
    """Return a number so written that exactly the same one is read back, zeros included."""
    plain = format(value, "f")
    return Node("scalar", value, plain if str(Decimal(plain)) == str(value) else str(value))
