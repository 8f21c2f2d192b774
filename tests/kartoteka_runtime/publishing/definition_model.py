"""A model of what publishing promises: definitions, and every value that was ever stored."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kartoteka.assembly import assemble, load_bundles
from kartoteka.conversions import DoesNotConvert, conversion, lost_targets, stores_alike
from kartoteka.model.field import Field
from kartoteka.record_values import Reference
from kartoteka.registry import Registry

Values = dict[str, Any]  # record id → value


@dataclass
class FieldSketch:
    """A field in the files; ``targets`` are numbers of entities."""

    number: int
    name: str
    spec: dict[str, Any]
    targets: list[int] = field(default_factory=list)
    olds: list[str] = field(default_factory=list)


@dataclass
class EntitySketch:
    """An entity in the files; its first field is the primary one."""

    number: int
    name: str
    fields: list[FieldSketch]
    olds: list[str] = field(default_factory=list)
    order: int = 0  # number of the field that its view is ordered by; 0: none
    find: list[int] = field(default_factory=list)
    key: list[int] = field(default_factory=list)


@dataclass
class LinkSketch:
    """An N:N relationship in the files; its ends are numbers of entities."""

    number: int
    name: str
    left: int
    right: int
    olds: list[str] = field(default_factory=list)


@dataclass
class Sketch:
    """Everything in the files."""

    entities: list[EntitySketch] = field(default_factory=list)
    links: list[LinkSketch] = field(default_factory=list)

    def entity(self, number: int) -> EntitySketch:
        return next(item for item in self.entities if item.number == number)

    def registry(self, folder: Path) -> Registry:
        """Write the files and return what they say."""
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("entities", "views", "relationships"):
            (folder / name).mkdir(parents=True)
        _write(folder / "bundle.yaml", {"kind": "bundle", "name": "yard", "label": {"en": "Yard"}})
        names = {item.number: item.name for item in self.entities}
        for entity in self.entities:
            _write(
                folder / "entities" / f"{entity.name}.yaml", _entity(entity, self.entities, names)
            )
            for view in _views(entity):
                _write(folder / "views" / f"{view['name']}.yaml", view)
        for link in self.links:
            said = {
                "kind": "relationship", "name": link.name, "left": names[link.left],
                "right": names[link.right], "intersect": f"{link.name}_pairs",
                **_olds(link, self.links),
            }  # fmt: skip
            _write(folder / "relationships" / f"{link.name}.yaml", said)
        return assemble(load_bundles([folder]))


def _write(path: Path, said: dict[str, Any]) -> None:
    path.write_text(json.dumps({"format": 1, **said}), encoding="utf-8")  # JSON is YAML


def _olds(item: EntitySketch | FieldSketch | LinkSketch, here: Any) -> dict[str, Any]:
    names = {other.name for other in here}  # nothing may claim the name of what is still there
    olds = [old for old in item.olds if old not in names]
    return {"renamed_from": olds} if olds else {}


def _entity(
    entity: EntitySketch, entities: list[EntitySketch], names: dict[int, str]
) -> dict[str, Any]:
    fields = []
    by_number = {item.number: item.name for item in entity.fields}
    for item in entity.fields:
        said = {
            "name": item.name,
            "label": {"en": item.name},
            **item.spec,
            **_olds(item, entity.fields),
        }
        if item.targets:
            targets = [names[number] for number in item.targets]
            said |= {"target": targets[0]} if len(targets) == 1 else {"targets": targets}
        fields.append(said)
    said = {
        "kind": "entity", "name": entity.name, "label": {"en": entity.name}, "ownership": "none",
        "states": [], "primary_field": entity.fields[0].name, "fields": fields,
        **_olds(entity, entities),
    }  # fmt: skip
    if entity.key:
        key = {"name": "by_all", "fields": [by_number[number] for number in entity.key]}
        said["keys"] = [{"label": {"en": "Key"}, **key}]
    return said


def _views(entity: EntitySketch) -> list[dict[str, Any]]:
    names = {item.number: item.name for item in entity.fields}
    own = {"kind": "view", "label": {"en": "All"}, "entity": entity.name,
           "columns": [entity.fields[0].name]}  # fmt: skip
    views = []
    if entity.order:
        views.append(
            {"name": f"{entity.name}_all", "type": "public", "order": [names[entity.order]]}
        )
    if entity.find:
        found = [names[number] for number in entity.find]
        views.append({"name": f"{entity.name}_found", "type": "quick_find", "find": found})
    return [own | view for view in views]


@dataclass
class Original:
    """Values of a field from before a conversion, and what the field has been since."""

    publication: int
    definition: Field
    values: Values
    became: list[Field]


class Model:
    """What every value has to be, worked out beside the database.

    References name entities as ``#number``, in values and definitions alike.
    """

    def __init__(self) -> None:
        self.live = Sketch()
        self.number = 0
        self.standing_for = 0
        self.records: dict[int, set[str]] = {}  # entity → ids
        self.values: dict[int, Values] = {}  # field → values, live or retired
        self.stored: dict[int, Field] = {}  # field → the definition its values are stored by
        self.originals: dict[int, list[Original]] = {}
        self.pairs: dict[int, set[tuple[str, str]]] = {}
        self.gone: dict[tuple[str, int], list[tuple[str, int]]] = {}  # kind, owner → name, number
        self.last_fields: dict[int, list[tuple[str, int]]] = {}  # entity → name, number
        self.dead: set[int] = set()  # purged
        self.published: dict[int, tuple[Sketch, Registry]] = {}
        self.left_as: dict[int, dict[int, Values]] = {}  # publication → values when it was left
        self.touched: dict[int, set[tuple[int, str]]] = {}  # … → field, record written since

    # --- publishing ------------------------------------------------------------------------------

    def definition(self, sketch: Sketch, registry: Registry, number: int) -> Field:
        """Return the definition of a field with its targets by number."""
        names = {item.name: f"#{item.number}" for item in sketch.entities}
        for entity in sketch.entities:
            for item in entity.fields:
                if item.number == number:
                    found = registry.entities[entity.name].field_by_name[item.name]
                    targets = tuple(names[target] for target in found.targets)
                    return replace(found, targets=targets)
        raise KeyError(number)

    def losses(self, wanted: Sketch, registry: Registry) -> set[str]:
        """Return the names that a publish has to ask consent for."""
        trial = copy.copy(self)
        trial.live = copy.deepcopy(self.live)
        trial.records = {key: set(item) for key, item in self.records.items()}
        trial.values = {key: dict(item) for key, item in self.values.items()}
        trial.pairs = {key: set(item) for key, item in self.pairs.items()}
        trial.gone = {key: list(item) for key, item in self.gone.items()}
        trial.originals = {
            key: [replace(item, became=list(item.became)) for item in items]
            for key, items in self.originals.items()
        }
        for name in ("stored", "published", "left_as", "touched", "last_fields"):
            setattr(trial, name, dict(getattr(self, name)))
        return trial.publish(wanted, registry)

    def publish(
        self, wanted: Sketch, registry: Registry, *, stands_for: int | None = None
    ) -> set[str]:
        """Carry a publish out; return ``entity.field`` of what lost values."""
        if self.number:
            left = self.standing_for
            self.left_as[left] = {key: dict(item) for key, item in self.values.items()}
            self.touched[left] = set()
        self.number += 1
        self.standing_for = self.number if stands_for is None else stands_for
        self._retire(wanted)
        losing: set[str] = set()
        live_before = {item.number for entity in self.live.entities for item in entity.fields}
        for entity in wanted.entities:
            self.records.setdefault(entity.number, set())
            for item in entity.fields:
                after = self.definition(wanted, registry, item.number)
                values = self.values.setdefault(item.number, {})
                was = self.stored.get(item.number)
                is_changed = item.number not in live_before
                originals = self.originals.get(item.number, [])
                returns = was is not None and _returning(originals, was, after) is not None
                is_lost = was is not None and any(
                    isinstance(value, Reference) and value.entity in lost_targets(was, after)
                    for value in values.values()
                )
                if was is not None and (returns or is_lost or not stores_alike(was, after)):
                    is_changed = True
                    if self._convert(item.number, was, after):
                        losing.add(f"{entity.name}.{item.name}")
                self.stored[item.number] = after
                if is_changed:
                    self._clear_dangling(wanted, values)
        live_links = {item.number for item in self.live.links}
        for link in wanted.links:
            pairs = self.pairs.setdefault(link.number, set())
            if link.number not in live_links:
                pairs &= {
                    (left, right)
                    for left in self.records[link.left]
                    for right in self.records[link.right]
                }
        self.live = copy.deepcopy(wanted)
        for entity in wanted.entities:
            self.last_fields[entity.number] = [(item.name, item.number) for item in entity.fields]
        self.published[self.number] = (copy.deepcopy(wanted), registry)
        return losing

    def _retire(self, wanted: Sketch) -> None:
        staying = {item.number for item in wanted.entities}
        fields = {item.number for entity in wanted.entities for item in entity.fields}
        for entity in self.live.entities:
            if entity.number not in staying:
                self.gone.setdefault(("entity", 0), []).append((entity.name, entity.number))
                continue
            for item in entity.fields:
                if item.number not in fields:
                    place = self.gone.setdefault(("field", entity.number), [])
                    place.append((item.name, item.number))
        live = {item.number for item in self.live.entities}
        for number in staying - live:  # what a retired entity had and is not wanted again
            for name, field_number in self.last_fields.get(number, []):
                if field_number not in fields and field_number not in self.dead:
                    self.gone.setdefault(("field", number), []).append((name, field_number))
        links = {item.number for item in wanted.links}
        for link in self.live.links:
            if link.number not in links:
                self.gone.setdefault(("link", 0), []).append((link.name, link.number))
        here = staying | fields | links
        for key, items in self.gone.items():
            self.gone[key] = [item for item in items if item[1] not in here]

    def _convert(self, number: int, was: Field, after: Field) -> bool:
        values, convert = self.values[number], conversion(was, after)
        originals = self.originals.setdefault(number, [])
        original = _returning(originals, was, after)
        old, failed, unreturned = dict(values), False, False
        records = {*old, *(original.values if original is not None else ())}
        for record in records:
            value = old.get(record)
            if original is not None and original.values.get(record) is not None:
                before = original.values[record]
                became = _forward(before, [original.definition, *original.became])
                if value in (became, _forward(before, [original.definition, was])):
                    try:
                        values[record] = conversion(original.definition, after).convert(before)
                        continue
                    except DoesNotConvert:
                        unreturned = True
            if value is None:
                continue
            try:
                values[record] = convert.convert(value)
            except DoesNotConvert:
                values[record] = None
                failed = True
        if original is not None and not unreturned and original.definition.type == after.type:
            originals.remove(original)
        for item in originals:
            item.became.append(after)
        if convert.kind != "widening" and (was.type != after.type or failed):
            originals.append(Original(self.number, was, old, [after]))
        return failed

    def _clear_dangling(self, wanted: Sketch, values: Values) -> None:
        alive = {
            (f"#{entity.number}", record)
            for entity in wanted.entities
            for record in self.records.get(entity.number, ())
        }
        for record, value in values.items():
            if isinstance(value, Reference) and (value.entity, value.id) not in alive:
                values[record] = None

    # --- records ---------------------------------------------------------------------------------

    def write(self, number: int, record: str, value: Any) -> None:
        self.values[number][record] = value
        for touched in self.touched.values():
            touched.add((number, record))

    def delete(self, entity: int, record: str) -> None:
        self.records[entity].discard(record)
        for values in self.values.values():
            values.pop(record, None)
        for owner in self.live.entities:
            for item in owner.fields:
                for holder, value in self.values[item.number].items():
                    if isinstance(value, Reference) and value.id == record:
                        self.write(item.number, holder, None)
        for link in self.live.links:
            self.pairs[link.number] = {
                pair for pair in self.pairs[link.number] if record not in pair
            }
        for originals in self.originals.values():
            for original in originals:
                original.values.pop(record, None)

    def purge_original(self, number: int, publication: int) -> None:
        left = self.originals.get(number, [])
        self.originals[number] = [item for item in left if item.publication != publication]
        self.left_as.clear()

    def purge_field(self, number: int) -> None:
        for place in (self.values, self.stored, self.originals):
            place.pop(number, None)
        self.dead.add(number)


def _returning(originals: list[Original], was: Field, after: Field) -> Original | None:
    """Return the values from before that may return."""
    alike = stores_alike(was, after)
    regained = set(lost_targets(after, was))
    for item in reversed(originals):
        if item.definition.type == after.type and (
            not (alike and was.type == after.type) or regained & set(item.definition.targets)
        ):
            return item
    for item in reversed(originals):
        if not alike and conversion(item.definition, after).kind != "impossible":
            return item
    return None


def _forward(value: Any, steps: list[Field]) -> Any:
    try:
        for before, after in zip(steps, steps[1:], strict=False):
            value = conversion(before, after).convert(value)
    except DoesNotConvert:
        return None
    return value
