"""``paths_of``: every field that a condition or an expression looks at."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Applied,
    Asked,
    Case,
    Compared,
    Constant,
    Expression,
    FieldPath,
    Fixed,
    HasOption,
    InAskedSet,
    InHierarchy,
    InPeriod,
    IsEmpty,
    Like,
    Negated,
    OneOf,
    Quantified,
    Related,
    TextRelated,
    TextTest,
    TypedCondition,
)


def paths_of(node: TypedCondition | Expression) -> Iterator[FieldPath]:
    """Yield every path, those inside of quantifiers (with their variables) included."""
    for part in parts_of(node):
        if isinstance(part, FieldPath):
            yield part


def parts_of(node: TypedCondition | Expression) -> Iterator[TypedCondition | Expression]:
    """Yield the node and everything below it, from left to right."""
    yield node
    for child in _children(node):
        yield from parts_of(child)


def _children(node: TypedCondition | Expression) -> Iterator[TypedCondition | Expression]:
    match node:
        case AllOf(terms) | AnyOf(terms):
            yield from terms
        case Negated(term):
            yield term
        case Quantified(term=term):
            if term is not None:
                yield term
        case Related(left, _, right):
            yield left
            yield right
        case TextRelated(_, subject, sought):
            yield subject
            yield sought
        case Applied(_, arguments):
            yield from arguments
        case Case(branches, otherwise):
            for condition, value in branches:
                yield condition
                yield value
            yield otherwise
        case (
            IsEmpty(path) | Compared(path) | OneOf(path) | TextTest(path) | HasOption(path)
            | Like(path) | InPeriod(path) | InAskedSet(path) | InHierarchy(path)
        ):  # fmt: skip
            yield path
        case Fixed() | Constant() | Asked() | FieldPath():
            return
