"""What an address asks of definitions, and the JSON of what it finds: one way for every kind.

Source: reference web-api, section 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kartoteka.conditions.syntax import Condition
from kartoteka.names import did_you_mean
from kartoteka.query.option_text import Piece, piece_of
from kartoteka.query.query_error import QueryError
from kartoteka_runtime.web_api.definitions.definition import (
    NAMESPACE,
    Collection,
    Definition,
    LabelWriter,
)
from kartoteka_runtime.web_api.definitions.definition_filter import (
    Evaluator,
    comparable,
    read_condition,
    refuse_unknown,
)

OF_ONE = ("$select", "$expand")
OF_MANY = (*OF_ONE, "$filter", "$orderby", "$top", "$count")
_MOST_DEPTH = 4  # of expands inside one another
_ID = "MetadataId"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which definitions are wanted, and what of each; ``select`` None is everything.

    ``pieces`` are the texts that the parts were read from, for what turns out to be wrong later.
    One that is lenient passes over what single definitions do not have.
    """

    select: tuple[str, ...] | None = None
    expand: Mapping[str, Asked] = field(default_factory=dict)
    condition: Condition | None = None
    order: tuple[tuple[tuple[str, ...], bool], ...] = ()
    top: int | None = None
    is_counted: bool = False
    pieces: Mapping[str, Piece] = field(default_factory=dict)
    is_lenient: bool = False


def read_asked(options: Iterable[tuple[str, str]]) -> Asked:
    """Return what the options of an address ask for; those without ``$`` say nothing.

    Raises:
        QueryError: An option is unknown, there twice, or cannot be read.
    """
    pieces: dict[str, Piece] = {}
    for name, text in options:
        if name[:1] != "$":
            continue
        if name not in OF_MANY:
            hint = did_you_mean(name, OF_MANY)
            raise QueryError("definitions have no such option", part=name[:60], hint=hint)
        if name in pieces:
            raise QueryError("this is there twice", part=name)
        pieces[name] = piece_of(name, text)
    return _asked(pieces, depth=1)


def list_written(
    found: Collection, asked: Asked, writer: LabelWriter
) -> tuple[list[dict[str, Any]], int]:
    """Return the definitions that are wanted, and how many there are without ``$top``.

    Raises:
        QueryError: Something named does not exist.
    """
    evaluator = Evaluator(writer)
    _check_names(asked, found.names, found.related_names)
    items: Iterable[Definition] = found.items
    if asked.condition is not None:
        if not asked.is_lenient:
            known = found.names | found.related_names
            refuse_unknown(asked.condition, known, asked.pieces["$filter"])
        condition = asked.condition
        items = [item for item in items if evaluator.holds(condition, item)]
    wanted = list(items)
    for steps, descending in reversed(asked.order):
        wanted.sort(key=lambda item: _place(evaluator.value_at(item, steps)), reverse=descending)
    count = len(wanted)
    shown = wanted[: asked.top]
    return [written(item, asked, writer, found.base) for item in shown], count


def one_written(
    item: Definition, asked: Asked, writer: LabelWriter, declared: str
) -> dict[str, Any]:
    """Return one definition as it is wanted; its type is told unless it is ``declared``.

    Raises:
        QueryError: Something named does not exist, or is no option of one definition.
    """
    for name, piece in asked.pieces.items():
        if name not in OF_ONE:
            raise piece.error("this is no option of one definition")
    _check_names(asked, frozenset(item.properties), frozenset(item.related))
    return written(item, asked, writer, declared)


def written(item: Definition, asked: Asked, writer: LabelWriter, declared: str) -> dict[str, Any]:
    """Return a definition as JSON; names have been checked where they could be."""
    said: dict[str, Any] = {}
    if item.type != declared:
        said["@odata.type"] = f"#{NAMESPACE}{item.type}"
    said[_ID] = item.properties[_ID]
    expand = asked.expand
    if asked.select is None:
        names: Iterable[str] = item.properties
        expand = {**dict.fromkeys(item.inline, Asked()), **expand}
    else:
        names = asked.select
        extra = {name: Asked() for name in names if name in item.related}
        expand = {**extra, **expand}
    for name in names:
        if name in item.properties:
            said[name] = writer.plain(item.properties[name])
    for name, inner in expand.items():
        if name in item.related:
            said[name] = _expanded(item, name, inner, writer)
    return said


def _expanded(item: Definition, name: str, inner: Asked, writer: LabelWriter) -> Any:
    match item.related[name]():
        case Collection() as found:
            return list_written(found, inner, writer)[0]
        case Definition() as found:
            return one_written(found, inner, writer, found.type)
    return None


def _asked(pieces: Mapping[str, Piece], *, depth: int) -> Asked:
    if depth > _MOST_DEPTH:
        raise QueryError(f"more than {_MOST_DEPTH} expands inside one another", part="$expand")
    read = pieces.get
    return Asked(
        select=_select(read("$select")),
        expand=_expand(read("$expand"), depth),
        condition=None if "$filter" not in pieces else read_condition(pieces["$filter"]),
        order=_order(read("$orderby")),
        top=_top(read("$top")),
        is_counted=_is_counted(read("$count")),
        pieces=pieces,
    )


def _select(piece: Piece | None) -> tuple[str, ...] | None:
    if piece is None or piece.text in ("", "*"):
        return None
    return tuple(part.text for part in piece.split(",") if part.text)


def _expand(piece: Piece | None, depth: int) -> dict[str, Asked]:
    found: dict[str, Asked] = {}
    for part in piece.split(",") if piece is not None else ():
        if not part.text:
            continue
        name, options = part.call() or (part.text, None)
        if name in found:
            raise part.error(f'"{name[:60]}" is expanded twice')
        found[name] = _asked(_inner(options), depth=depth + 1)
    return found


def _inner(piece: Piece | None) -> dict[str, Piece]:
    found: dict[str, Piece] = {}
    for part in piece.split(";") if piece is not None else ():
        if not part.text:
            continue
        name, equals, _ = part.text.partition("=")
        name = name.strip()
        if not equals or name not in OF_MANY or name in found:
            raise part.error(f'"{name[:40]}" is no option here', f"write {', '.join(OF_MANY)} once")
        found[name] = part.cut(part.text.index("=") + 1)
    return found


def _order(piece: Piece | None) -> tuple[tuple[tuple[str, ...], bool], ...]:
    found = []
    for part in piece.split(",") if piece is not None else ():
        path, *rest = part.text.split() or [""]
        if not path or rest not in ([], ["asc"], ["desc"]):
            raise part.error("expected a property, and asc or desc")
        found.append((tuple(path.split("/")), rest == ["desc"]))
    return tuple(found)


def _top(piece: Piece | None) -> int | None:
    if piece is None:
        return None
    if not (piece.text.isascii() and piece.text.isdigit() and len(piece.text) < 10):
        raise piece.error("expected a number")
    return int(piece.text)


def _is_counted(piece: Piece | None) -> bool:
    if piece is None or piece.text == "false":
        return False
    if piece.text != "true":
        raise piece.error("expected true or false")
    return True


def _check_names(asked: Asked, names: frozenset[str], related: frozenset[str]) -> None:
    """Refuse what no definition of the kind has; where there is none of it, nothing is known."""
    if not names or asked.is_lenient:
        return
    for option, wanted, known in (
        ("$select", asked.select or (), names | related),
        ("$expand", tuple(asked.expand), related),
        ("$orderby", tuple(steps[0] for steps, _ in asked.order), names),
    ):
        for name in wanted:
            if name not in known:
                text = f'there is no property "{name[:60]}"'
                raise asked.pieces[option].error(text, did_you_mean(name, known))


def _place(value: Any) -> tuple[int, Any]:
    """Return where a value stands in an order: nothing first, then numbers, then texts."""
    value = comparable(value)
    match value:
        case None:
            return 0, 0
        case bool() | int() | float():
            return 1, value
        case str():
            return 2, value
    return 3, 0
