"""``collections_of``: the records that belong to one of an entity, each kind under its name.

A collection is the far side of a lookup, or of an N:N relationship. Names are those that
Dataverse's clients write:

| what | its name | example |
|---|---|---|
| a lookup with one target | its relationship | ``account_primary_contact`` |
| a lookup with several targets | its relationship, ended by the target's set name | \
``contact_customer_accounts``, ``contact_customer_contacts`` |
| what an activity is about | target and activities, each with a capital | ``Account_Tasks`` |
| who created or changed it | ``lk_…base_createdby`` | ``lk_accountbase_createdby`` |
| an N:N relationship | its name, from both sides | ``teammembership_association`` |
| one with a schema name | that, and its name | ``new_Box_Contact`` |
| who takes part in an activity | the activity's name before it | ``email_activity_parties`` |

A link of an entity with itself has a second name with ``Referenced`` before it: of a lookup it
means the same, of an N:N relationship the other direction. A name that is taken already, also by a
field, makes way for ``relationship_target``. Source: reference web-api, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from kartoteka.conditions.typed import Collection, Linked, Match
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.registry import Registry

OTHER_DIRECTION = "Referenced"
PARTY = "activityparty"

_AUTHORS = ("createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby")
_ACTIVITIES, _ACTIVITY_OF_PARTY = "activitypointer", "activityid"
_KEPT_AS = "collections"


def collections_of(registry: Registry, entity: str) -> Mapping[str, Collection]:
    """Return ``{name: collection}`` of an entity, in the order of the registry.

    A collection with two names is there under both, and ``name`` is the first.
    """
    kept: dict[str, Mapping[str, Collection]] = registry.kept.setdefault(_KEPT_AS, {})
    found = kept.get(entity)
    if found is None:
        found = kept[entity] = MappingProxyType(_named(registry, entity))
    return found


def _named(registry: Registry, owner: str) -> dict[str, Collection]:
    named: dict[str, Collection] = {}
    for name, collection in _linked(registry, owner):
        named.setdefault(name, collection)
    second: list[tuple[str, Collection]] = []
    for item, field in _lookups_to(registry, owner):
        collection = _collection(registry, item, field, owner, named)
        named[collection.name] = collection
        if item.name == owner:
            second.append((OTHER_DIRECTION + collection.name, collection))
    for name, collection in second:
        named.setdefault(name, collection)
    for collection in _parties(registry, owner):
        named.setdefault(collection.name, collection)
    return named


def _parties(registry: Registry, owner: str) -> Iterator[Collection]:
    """Yield the parties of one kind of activity.

    They name its row among all activities, which has the same id.
    """
    activity, party = registry.entities.get(owner), registry.entities.get(PARTY)
    if activity is None or party is None or not activity.is_activity:
        return
    of_party = party.field_by_name.get(_ACTIVITY_OF_PARTY)
    if of_party is not None and of_party.targets == (_ACTIVITIES,) and owner != _ACTIVITIES:
        identity = activity.field_by_name[activity.primary_id]
        yield Collection(f"{owner}_activity_parties", owner, PARTY, Match(of_party, identity))


def _lookups_to(registry: Registry, owner: str) -> Iterator[tuple[Entity, Field]]:
    """Yield the lookups to an entity, those whose relationship is named in metadata first."""
    pairs = registry.lookups_to.get(owner, ())
    yield from sorted(pairs, key=lambda pair: pair[1].relationship.endswith(f"_{pair[1].name}"))


def _collection(
    registry: Registry, item: Entity, field: Field, owner: str, named: Mapping[str, Collection]
) -> Collection:
    fields = registry.entities[owner].field_by_name
    identity = fields[registry.entities[owner].primary_id]
    plain = field.relationship or f"{item.name}_{field.name}"
    names = (_name(registry, item, field, owner), plain, f"{plain}_{owner}")
    free = (name for name in names if name not in named and name not in fields)
    name = next(free, f"{item.name}_{names[-1]}")
    return Collection(name, owner, item.name, Match(field, identity))


def _name(registry: Registry, item: Entity, field: Field, owner: str) -> str:
    """Return what the records of ``item`` that name a record of ``owner`` are called."""
    plain = field.relationship or f"{item.name}_{field.name}"
    if field.type == "regarding":
        return f"{_capital(owner)}_{_capital(item.set_name)}"
    if field.name in _AUTHORS and plain == f"{owner}_{item.name}_{field.name}":
        return f"lk_{item.name}base_{field.name}"
    if not field.is_multi_target:
        return plain
    ends = (f"_{registry.entities[target].set_name}" for target in field.targets)
    end = next((end for end in ends if plain.endswith(end)), "")
    return f"{plain.removesuffix(end)}_{registry.entities[owner].set_name}"


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _linked(registry: Registry, owner: str) -> Iterator[tuple[str, Collection]]:
    for relationship in registry.relationships.values():
        left, right = relationship.left, relationship.right
        if not {left, right} <= registry.entities.keys():
            continue
        names = dict.fromkeys((relationship.schema_name or relationship.name, relationship.name))
        first, *_ = names
        if left == owner:
            collection = Collection(first, owner, right, Linked(relationship, True))
            yield from ((name, collection) for name in names)
        if right == owner:
            other = OTHER_DIRECTION if left == right else ""
            collection = Collection(other + first, owner, left, Linked(relationship, False))
            yield from ((other + name, collection) for name in names)
