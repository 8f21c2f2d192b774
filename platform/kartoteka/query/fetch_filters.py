"""Filters of FetchXML, and links that only filter → conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import Literal, LiteralKind, Operand, Operator, Path
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Collection,
    FieldPath,
    Negated,
    Quantified,
    Related,
    TypedCondition,
    ValueKind,
)
from kartoteka.names import did_you_mean
from kartoteka.query.fetch_errors import (
    attribute,
    fetch_error,
    refuse_children,
    refuse_unknown,
)
from kartoteka.query.fetch_operators import OPERATORS, FetchOperator, Takes
from kartoteka.query.fetch_sources import FILTER_LINKS, Source, Sources, field_of
from kartoteka.query.operand_text import day_of, literal_of, number_of
from kartoteka.query.xml_elements import Element
from kartoteka.registry import Registry

MOST_FILTERS = 30  # inside one another
_FILTER_ATTRIBUTES = (
    "type", "isquickfindfields", "overridequickfindrecordlimitenabled",
    "overridequickfindrecordlimitdisabled", "hint", "bypassquickfind",
)  # fmt: skip
_CONDITION_ATTRIBUTES = (
    "attribute", "operator", "value", "valueof", "entityname",
    "uiname", "uitype", "uihidden", "column",
)  # fmt: skip
_VALUE_ATTRIBUTES = ("uiname", "uitype")


class FilterReader:
    """Reads the filters of one query's sources.

    ``language`` is the number of the asker's language, which ``eq-userlanguage`` asks for.
    """

    def __init__(self, sources: Sources, registry: Registry, language: int) -> None:
        """Read filters of ``sources``, whose link entities ``registry`` knows too."""
        self._sources = sources
        self._registry = registry
        self._language = language
        self._variables: Mapping[str, str] = sources.variables()

    def condition_of(self, source: Source) -> TypedCondition | None:
        """Return what a source's filters, and its links that only filter, ask of its records.

        Links whose records stand beside those of the source are not looked at.
        """
        terms = []
        for child in source.element.children:
            if child.name == "filter":
                terms.append(self._filter(child, source))
        for link in self._sources.links_of(source):
            if source.is_row and link.is_row:
                continue
            terms.append(self._link(link))
        return joined([term for term in terms if term is not None])

    def is_first_match(self, link: Source) -> TypedCondition:
        """Return the condition that a link's record is the first of those that match.

        The first is the one with the lowest id, so that every reader gets the same.
        """
        sources, other = _apart(self._sources, link)
        inner = FilterReader(sources, self._registry, self._language)
        identity = link.entity.field_by_name[link.entity.primary_id]
        lower = Related(
            FieldPath((), link.entity.name, identity, ValueKind.ID, other.variable),
            Operator.LT,
            FieldPath((), link.entity.name, identity, ValueKind.ID, link.variable),
        )
        meets = inner.condition_of(other)
        term = joined([lower] if meets is None else [meets, lower])
        return Negated(Quantified(_collection(link), other.variable, term))

    def _filter(self, element: Element, source: Source, depth: int = 1) -> TypedCondition | None:
        if depth > MOST_FILTERS:
            raise fetch_error(element, f"more than {MOST_FILTERS} filters inside one another")
        refuse_unknown(element, _FILTER_ATTRIBUTES)
        refuse_children(element, ("condition", "filter", "link-entity"))
        is_or = element.attributes.get("type", "and").strip().lower()
        if is_or not in ("and", "or"):
            raise fetch_error(element, f'"{is_or[:40]}" is no type of filter', "write and, or")
        terms = []
        for child in element.children:
            match child.name:
                case "filter":
                    terms.append(self._filter(child, source, depth + 1))
                case "condition":
                    terms.append(self._condition(child, source))
                case _:
                    terms.append(self._filtering(self._sources.of(child)))
        found = [term for term in terms if term is not None]
        return joined(found, is_or=is_or == "or")

    def _filtering(self, link: Source) -> TypedCondition | None:
        """Return what a link inside of a filter asks for, which must be of a type that filters."""
        if link.link_type not in FILTER_LINKS:
            message = f"a link of type {link.link_type} does not belong into a filter"
            raise fetch_error(link.element, message, f"write {', '.join(FILTER_LINKS)}")
        return self._link(link)

    def _link(self, link: Source) -> TypedCondition | None:
        """Return what a link that is no join asks of the records of its parent."""
        if link.link_type == "outer":
            return None  # whether there are such records changes nothing
        for child in link.element.children:
            if child.name in ("attribute", "all-attributes", "order"):
                hint = "link the entity with the type inner or outer"
                raise fetch_error(child, "a link that filters gives no columns", hint)
        collection, term = _collection(link), self.condition_of(link)
        found: TypedCondition = Quantified(collection, link.variable, term)
        match link.link_type:
            case "not any":
                return Negated(found)
            case "all":
                return AllOf((Quantified(collection, link.variable, None), Negated(found)))
        return found

    def _condition(self, element: Element, near: Source) -> TypedCondition:
        refuse_unknown(element, _CONDITION_ATTRIBUTES)
        refuse_children(element, ("value",))
        source = near
        if named := element.attributes.get("entityname"):
            source = self._sources.named(named, element, near=near)
        name = field_of(source.entity, attribute(element, "attribute"), element).name
        path = Path((source.variable, name) if source.variable else (name,))
        operator = _operator(element)
        entity = self._sources.root.entity.name
        try:
            if "valueof" in element.attributes:
                values: tuple[Operand, ...] = (self._other_field(element, operator, near),)
            else:
                about = resolve_path(path, self._registry, entity, self._variables)
                values = self._values(element, operator, about)
            condition = operator.build(path, values)
            return check_condition(condition, self._registry, entity, variables=self._variables)
        except ConditionError as error:
            raise fetch_error(element, error.message, error.hint) from None

    def _other_field(self, element: Element, operator: FetchOperator, near: Source) -> Path:
        if not operator.compares:
            comparing = ", ".join(row.name for row in OPERATORS.values() if row.compares)
            raise fetch_error(
                element, f"{operator.name} does not compare two attributes", f"use {comparing}"
            )
        alias, dot, name = attribute(element, "valueof").rpartition(".")
        source = self._sources.named(alias, element, near=near) if dot else near
        name = field_of(source.entity, name, element).name
        return Path((source.variable, name) if source.variable else (name,))

    def _values(
        self, element: Element, operator: FetchOperator, path: FieldPath
    ) -> tuple[Literal, ...]:
        texts = _texts(element)
        least, most = _COUNTS[operator.takes]
        if operator.name == "eq-userlanguage":
            least, most = 0, 0
        if not least <= len(texts) <= most:
            raise fetch_error(element, _wrong_count(operator, len(texts)))
        if operator.name == "eq-userlanguage":
            return (literal_of(str(self._language), path.kind),)
        return tuple(_literal(text, operator, path, element) for text in texts)


_MANY = 2_000
_COUNTS: Mapping[Takes, tuple[int, int]] = {
    Takes.NOTHING: (0, 0),
    Takes.VALUE: (1, 1),
    Takes.TWO: (2, 2),
    Takes.VALUES: (1, _MANY),
    Takes.TEXT: (1, 1),
    Takes.NUMBER: (1, 1),
    Takes.TWO_NUMBERS: (2, 2),
    Takes.DAY: (1, 1),
    Takes.ID: (1, 1),
}


def joined(terms: list[TypedCondition], *, is_or: bool = False) -> TypedCondition | None:
    """Return conditions as one; None for none."""
    if not terms:
        return None
    if len(terms) == 1:
        return terms[0]
    return AnyOf(tuple(terms)) if is_or else AllOf(tuple(terms))


def _texts(element: Element) -> list[str]:
    texts = []
    for child in element.children:
        refuse_unknown(child, _VALUE_ATTRIBUTES)
        refuse_children(child, ())
        texts.append(child.text)
    if texts:
        return texts
    return [element.attributes["value"]] if "value" in element.attributes else []


def _operator(element: Element) -> FetchOperator:
    name = attribute(element, "operator").lower()
    if name not in OPERATORS:
        raise fetch_error(
            element, f'"{name[:60]}" is not an operator', did_you_mean(name, OPERATORS)
        )
    return OPERATORS[name]


def _wrong_count(operator: FetchOperator, count: int) -> str:
    wanted = {
        Takes.NOTHING: "no value",
        Takes.TWO: "two values",
        Takes.TWO_NUMBERS: "two values",
        Takes.VALUES: f"one to {_MANY} values",
    }.get(operator.takes, "one value")
    if operator.name == "eq-userlanguage":
        wanted = "no value"
    return f"{operator.name} takes {wanted}, {count} given"


def _literal(text: str, operator: FetchOperator, path: FieldPath, element: Element) -> Literal:
    match operator.takes:
        case Takes.TEXT:
            return Literal(LiteralKind.TEXT, text)
        case Takes.NUMBER | Takes.TWO_NUMBERS:
            number = number_of(text.strip())
            if number is None:
                raise fetch_error(element, f"{operator.name} takes whole numbers")
            return number
        case Takes.DAY:
            day = day_of(text)
            if day is None:
                raise fetch_error(
                    element, f'"{text[:40]}" is no date', "write one such as 2031-05-06"
                )
            return day
        case Takes.ID:
            return literal_of(text, ValueKind.ID)
    return literal_of(text, path.kind)


def _collection(link: Source) -> Collection:
    """Return what a link links as a collection of its parent's records."""
    assert link.parent is not None and link.via is not None
    return Collection(
        link.alias, link.parent.entity.name, link.entity.name, link.via, link.parent.variable
    )


def _apart(sources: Sources, link: Source) -> tuple[Sources, Source]:
    """Return the sources with a link and what lies below it under other variables, as filters."""
    changed: dict[int, Source] = {}
    found = []
    for source in sources.found:
        parent = None if source.parent is None else changed.get(id(source.parent.element))
        if source is link or parent is not None:
            source = replace(
                source,
                variable=f"{source.variable}_first",
                parent=parent or source.parent,
                is_row=False,
            )
            changed[id(source.element)] = source
        found.append(source)
    by_element = {id(source.element): source for source in found}
    return Sources(sources.registry, found, by_element), changed[id(link.element)]
