"""Rows → JSON objects with the annotations that were asked for, by functions generated once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from operator import attrgetter
from typing import Any

from orjson import Fragment

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.query.navigation_names import stem_of
from kartoteka.query.shown import Shown, ShownRecord
from kartoteka.registry import Registry
from kartoteka_runtime.localization.money_writers import CURRENCY, MoneyWriters
from kartoteka_runtime.storage.database import Row
from kartoteka_runtime.storage.json_rows import JsonMember, JsonShape, json_source, to_json
from kartoteka_runtime.storage.row_readers import VALUE_NAMES, ReadColumn, value_source
from kartoteka_runtime.web_api.formatted_values import Reader, count_writer, formatted_value
from kartoteka_runtime.web_api.given_contents import holds_contents
from kartoteka_runtime.web_api.preferences import Preferences
from kartoteka_runtime.web_api.serialize import version_tag

WriteRecord = Callable[[Mapping[str, Any], MoneyWriters | None], dict[str, Any]]

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


@dataclass(frozen=True, slots=True)
class Annotated:
    """Which annotations values carry."""

    formatted: bool = False
    logical_name: bool = False
    navigation: bool = False


def annotated(preferences: Preferences) -> Annotated:
    """Return the annotations that a request wants."""
    return Annotated(
        preferences.wants(FORMATTED),
        preferences.wants(LOGICAL_NAME),
        preferences.wants(NAVIGATION),
    )


@dataclass(frozen=True, slots=True, eq=False)
class WriteRow:
    """Writes the rows of one question: from records, or as they come from the database.

    Attributes:
        record: The function from a record, and what writes money, to its JSON object.
        shape: What the rows hold, where the database may write them.
        has_contents: Whether values lie in files: such rows are written from records.
    """

    shown: ShownRecord
    wanted: Annotated
    reader: Reader
    registry: Registry
    record: WriteRecord
    shape: JsonShape | None
    has_contents: bool = False

    def encoder(
        self, columns: Sequence[ReadColumn], engine: str
    ) -> Callable[[Sequence[Row], MoneyWriters | None], bytes]:
        """Return the function from rows with these columns, and what writes money, to JSON."""
        names: dict[str, Any] = {**VALUE_NAMES, "Fragment": Fragment, "to_json": to_json}
        cells = _CellSource({column.key: column for column in columns}, engine)
        entity = self.registry.entities.get(self.shown.entity)
        members = _own_members(self.shown, entity, self.wanted, self.reader, names, cells)
        written = _assigned(members, "  ")
        source = f"def encode(rows,m):\n w=[]\n for r in rows:\n{written}  w.append(d)\n"
        source += " return to_json(w)\n"
        exec(compile(source, "<rows>", "exec"), names)  # noqa: S102 - from names of the registry alone
        encode: Callable[[Sequence[Row], MoneyWriters | None], bytes] = names["encode"]
        return encode


def build_row_writer(
    shown: ShownRecord, wanted: Annotated, reader: Reader, registry: Registry
) -> WriteRow:
    """Return what writes the rows of a question."""
    names: dict[str, Any] = {}
    source = _record(shown, wanted, reader, registry, names, _RecordSource())
    exec(compile(source, "<rows>", "exec"), names)  # noqa: S102 - from names of the registry alone
    record: WriteRecord = names[names["outermost"]]
    has_contents = holds_contents(shown, registry)
    shape = None if has_contents else _shape(shown, wanted, registry)
    return WriteRow(shown, wanted, reader, registry, record, shape, has_contents)


def _shape(shown: ShownRecord, wanted: Annotated, registry: Registry) -> JsonShape | None:
    """Return what rows hold when that is nothing but the record's own stored values."""
    entity = registry.entities.get(shown.entity)
    if entity is None or shown.inside or wanted != Annotated():
        return None
    members = [version_tag(entity.field_by_name["versionnumber"])] if shown.has_version else []
    for value in shown.values:
        if value.field is None or entity.field_by_name.get(value.key) is not value.field:
            return None
        members.append(JsonMember(value.name, value.field))
    shape = JsonShape(tuple(members))
    return shape if shape.is_stored else None


def _record(
    shown: ShownRecord,
    wanted: Annotated,
    reader: Reader,
    registry: Registry,
    names: dict[str, Any],
    where: _RecordSource | _CellSource,
) -> str:
    """Return the source of a function for one kind of record, those for records inside it first."""
    before = ""
    entity = registry.entities.get(shown.entity)
    members = _own_members(shown, entity, wanted, reader, names, where)
    for inside in shown.inside:
        value = "None"
        for kind in reversed(inside.kinds):
            before += _record(kind.shown, wanted, reader, registry, names, where)
            function = names["outermost"]
            if kind.is_many:
                value = f"[{function}(i,m) for i in r[{kind.key!r}]]"
            else:
                value = f"{function}(v,m) if (v:=r[{kind.key!r}]) is not None else {value}"
        members.append(_Member(inside.name, value))
    name = names["outermost"] = f"w{len(names)}"
    names[name] = None
    return f"{before}def {name}(r,m):\n{_assigned(members, ' ')} return d\n"


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of a JSON object as source; ``when`` is the condition that it is there at all."""

    key: str
    value: str
    when: str = ""


def _assigned(members: Sequence[_Member], indent: str) -> str:
    """Return statements that make the dictionary ``d`` of members, in their order.

    Those before the first condition are one display; the others are added one by one, which takes
    less time than displays that are merged.
    """
    first = list(takewhile(lambda member: not member.when, members))
    lines = [f"d={{{','.join(f'{member.key!r}:{member.value}' for member in first)}}}"]
    for when, some in groupby(members[len(first) :], attrgetter("when")):
        inner = " " if when else ""
        if when:
            lines.append(f"if {when}:")
        lines += [f"{inner}d[{member.key!r}]={member.value}" for member in some]
    return "".join(f"{indent}{line}\n" for line in lines)


def _own_members(
    shown: ShownRecord,
    entity: Entity | None,
    wanted: Annotated,
    reader: Reader,
    names: dict[str, Any],
    where: _RecordSource | _CellSource,
) -> list[_Member]:
    """Return the members of a record but those that are records themselves."""
    members = []
    if shown.says_type:
        members.append(_Member("@odata.type", repr(f"#Microsoft.Dynamics.CRM.{shown.entity}")))
    if shown.has_version:
        tag = f"""f'''W/"{{{where.value("versionnumber")}}}"'''"""
        members.append(_Member("@odata.etag", tag))
    for value in shown.values:
        members += _Value(value, entity, wanted, reader, names, where).members()
    return members


@dataclass(frozen=True, slots=True)
class _Value:
    """The members that one value makes, as source."""

    shown: Shown
    entity: Entity | None
    wanted: Annotated
    reader: Reader
    names: dict[str, Any]
    where: _RecordSource | _CellSource

    def members(self) -> list[_Member]:
        """Return the value and its annotations."""
        name, field = self.shown.name, self.shown.field
        value = self.where.value(self.shown.key)
        if field is None:
            return [_Member(name, value), *self._formatted(value, count_writer(self.reader))]
        if field.is_lookup:
            return self._lookup(field)
        shown = _Member(name, self.where.json(self.shown.key, field))
        if field.type == "money":
            return [shown, *self._money(field, value)]
        return [shown, *self._formatted(value, formatted_value(field, self.entity, self.reader))]

    def _lookup(self, field: Field) -> list[_Member]:
        name, when = self.shown.name, "v is not None"
        identity, entity_name, shown_name = self.where.lookup(self.shown.key)
        members = [_Member(name, identity)]
        if self.wanted.navigation and "." not in name:
            navigation = self._navigation(field, entity_name)
            members.append(_Member(f"{name}@{NAVIGATION}", navigation, when))
        if self.wanted.logical_name:
            members.append(_Member(f"{name}@{LOGICAL_NAME}", entity_name, when))
        if self.wanted.formatted:
            members.append(_Member(f"{name}@{FORMATTED}", shown_name, when))
        return members

    def _navigation(self, field: Field, entity: str) -> str:
        """Return the source of the navigation property of the record named."""
        if field.type == "owner" or not field.is_multi_target:
            return repr(stem_of(field))
        if field.type == "regarding" and self.entity is not None:
            return f"{f'{stem_of(field)}_'!r}+{entity}+{f'_{self.entity.name}'!r}"
        return f"{f'{stem_of(field)}_'!r}+{entity}"

    def _formatted(self, value: str, write: Any) -> list[_Member]:
        if not self.wanted.formatted or write is None:
            return []
        function = f"f{len(self.names)}"
        self.names[function] = write
        key = f"{self.shown.name}@{FORMATTED}"
        if self.shown.key == "versionnumber":  # every record has one
            return [_Member(key, f"{function}({value})")]
        return [_Member(key, f"{function}(v)", f"(v:={value}) is not None")]

    def _money(self, field: Field, value: str) -> list[_Member]:
        """Return an amount's annotation, in the currency that the row holds beside it."""
        if not self.wanted.formatted:
            return []
        key = f"{self.shown.name}@{FORMATTED}"
        where, separator, _ = self.shown.key.rpartition("." if "." in self.shown.key else "/")
        currency = f"{where}{separator}{CURRENCY}"
        written = "m.base(v,r)"
        if not field.base_of:
            written = f"m.own(v,{{{CURRENCY!r}:{self.where.value_or_none(currency)}}})"
        return [_Member(key, written, f"(v:={value}) is not None")]


@dataclass(frozen=True, slots=True)
class _RecordSource:
    """Expressions of the values of a record ``r``."""

    def value(self, key: str) -> str:
        """Return the record value at a key."""
        return f"r[{key!r}]"

    def value_or_none(self, key: str) -> str:
        """Return the record value at a key that may not be there."""
        return f"r.get({key!r})"

    def json(self, key: str, field: Field) -> str:
        """Return what orjson writes for a value that is no lookup."""
        if field.type == "multi_choice":
            return f"','.join(map(str,v)) if (v:=r[{key!r}]) else None"
        return f"r[{key!r}]"

    def lookup(self, key: str) -> tuple[str, str, str]:
        """Return the id, which sets ``v``, and the entity and name for when ``v`` is not None."""
        return f"v.id if (v:=r[{key!r}]) else None", "v.entity", "v.name"


@dataclass(frozen=True, slots=True)
class _CellSource:
    """Expressions of the values of a row ``r`` as it comes from the database."""

    columns: Mapping[str, ReadColumn]
    engine: str

    def value(self, key: str) -> str:
        """Return the record value at a key."""
        return f"({value_source(self.columns[key], self.engine)})"

    def value_or_none(self, key: str) -> str:
        """Return the record value at a key that may not be there."""
        return self.value(key) if key in self.columns else "None"

    def json(self, key: str, field: Field) -> str:
        """Return what orjson writes for a value that is no lookup."""
        if field.type == "image":  # rows hold its id; who is told of images reads records
            return "None"
        return json_source(field, f"r[{self.columns[key].at}]", self.engine)

    def lookup(self, key: str) -> tuple[str, str, str]:
        """Return the id, which sets ``v``, and the entity and name for when ``v`` is not None."""
        column = self.columns[key]
        entity = f"r[{column.entity_at}]" if column.entity_at >= 0 else repr(_only_target(column))
        name = f"r[{column.name_at}] or ''" if column.name_at >= 0 else "''"
        return f"(v:=r[{column.at}])", entity, name


def _only_target(column: ReadColumn) -> str:
    return column.field.targets[0] if column.field.targets else ""
