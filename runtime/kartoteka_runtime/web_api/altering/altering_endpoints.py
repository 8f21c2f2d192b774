"""The endpoints that change definitions: tables with columns and keys, relationships, option sets.

Reading is ``definitions``'; ``AlteringEndpoints.beside`` puts both at one address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.editing.customize import Customization
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.runtime_parts import Publisher, RuntimeParts
from kartoteka_runtime.web_api.altering.addressed import (
    choice_at,
    entity_at,
    member_at,
    relationship_at,
)
from kartoteka_runtime.web_api.altering.alterations import Alteration, Alterations
from kartoteka_runtime.web_api.altering.answers import action_body, done, made, solution_of, told
from kartoteka_runtime.web_api.altering.choices import choice_changes, new_choice
from kartoteka_runtime.web_api.altering.column_changes import column_changes
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.keys import new_key
from kartoteka_runtime.web_api.altering.option_actions import OptionActions
from kartoteka_runtime.web_api.altering.primary_images import KEY as PRIMARY_IMAGE
from kartoteka_runtime.web_api.altering.primary_images import is_primary_image
from kartoteka_runtime.web_api.altering.read_column import new_column
from kartoteka_runtime.web_api.altering.refusals import taken
from kartoteka_runtime.web_api.altering.relationships import (
    new_polymorphic,
    new_relationship,
    relationship_changes,
)
from kartoteka_runtime.web_api.altering.removals import (
    Removal,
    choice_removal,
    column_removal,
    key_removal,
    link_removal,
    table_removal,
    target_removal,
)
from kartoteka_runtime.web_api.altering.tables import new_table, new_tables, table_changes
from kartoteka_runtime.web_api.api_call import ApiCall, Handler
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.metadata_ids import (
    ATTRIBUTE,
    ENTITY,
    KEY,
    MANY_TO_MANY,
    ONE_TO_MANY,
    OPTION_SET,
    Named,
    definition_id,
)
from kartoteka_runtime.web_api.request_body import read_object
from kartoteka_runtime.web_api.resource_path import Segment

ENTITIES, LINKS = "EntityDefinitions", "RelationshipDefinitions"
OPTION_SETS = "GlobalOptionSetDefinitions"
ATTRIBUTES, KEYS = "Attributes", "Keys"
CREATE_POLYMORPHIC = "CreatePolymorphicLookupAttribute"
_READING = ("GET", "HEAD")


class AlteringEndpoints:
    """Answers what is no GET below the addresses of definitions."""

    def __init__(self, parts: RuntimeParts, publisher: Publisher) -> None:
        """Change the app that ``parts`` make up."""
        self._alterations = Alterations(parts, publisher)
        self._options = OptionActions(self._alterations)

    def beside(self, reading: Mapping[str, Handler]) -> dict[str, Handler]:
        """Return handlers by first segment: what is read goes to ``reading``."""
        found: dict[str, Handler] = dict(reading)
        for name, write in (
            (ENTITIES, self.entities), (LINKS, self.relationships), (OPTION_SETS, self.choices),
        ):  # fmt: skip
            found[name] = _either(reading.get(name), write)
        return {
            **found,
            **self._options.handlers,
            "CreateEntities": self.create_entities,
            CREATE_POLYMORPHIC: self.create_polymorphic,
            "PublishXml": self.publish,
            "PublishAllXml": self.publish,
        }

    async def create_entities(self, call: ApiCall) -> Response:
        """Make several tables at once."""
        body = await action_body(call)

        def make(ground: Ground) -> Alteration:
            changes = tuple(new_tables(body, ground))
            return Alteration(changes, adds=tuple(change.name for change in changes))

        await self._alterations.carry_out(call, make, solution=solution_of(body))
        return done()

    async def create_polymorphic(self, call: ApiCall) -> Response:
        """Make a lookup that names records of several tables."""
        body = await action_body(call)
        new: list[tuple[str, str, list[str]]] = []

        def make(ground: Ground) -> Alteration:
            entity, name, targets, change = new_polymorphic(body, ground)
            new.append((entity, name, targets))
            adds = ground.foreign(ground.entity(entity).bundle, name)
            return Alteration((change,), adds=adds)

        model = await self._alterations.carry_out(call, make, solution=solution_of(body))
        entity, name, targets = new[-1]
        content = {
            "RelationshipIds": [
                definition_id(model, ONE_TO_MANY, entity, f"{name}/{target}") for target in targets
            ],
            "AttributeId": definition_id(model, ATTRIBUTE, entity, name),
        }
        return told(call, CREATE_POLYMORPHIC, content)

    async def publish(self, call: ApiCall) -> Response:
        """Do nothing: whatever was changed here is published already."""
        _only(call, "POST")
        await self._alterations.require(call)
        return done()

    async def entities(self, call: ApiCall) -> Response:
        """Make, change or delete a table, a column or a key."""
        table, *rest = call.segments
        if rest and rest[0].name in (ATTRIBUTES, KEYS):
            member, *casts = rest
            is_key = member.name == KEYS
            if all(cast.operation for cast in casts) and len(casts) < 2:
                return await (self._key if is_key else self._column)(call, table, member)
        if rest:
            raise NoSuchAddress("/".join(segment.name for segment in call.segments)[:200])
        return await self._table(call, table)

    async def _table(self, call: ApiCall, table: Segment) -> Response:
        if table.arguments is None:
            _only(call, "POST")
            body = await read_object(call)
            new: list[str] = []

            def make(ground: Ground) -> Alteration:
                changes = tuple(new_table(body, ground))
                new.append(changes[0].name)
                return Alteration(changes, adds=(changes[0].name,))

            model = await self._alterations.carry_out(call, make)
            return made(call, f"{ENTITIES}({definition_id(model, ENTITY, new[-1])})")
        _only(call, "PUT", "DELETE")
        body = await read_object(call) if call.method == "PUT" else {}

        def change(ground: Ground) -> Alteration:
            entity = ground.entity(entity_at(table, ground))
            if call.method == "DELETE":
                return _without(table_removal(entity, ground))
            return Alteration(tuple(table_changes(entity, body, ground)))

        await self._alterations.carry_out(call, change)
        return done()

    async def _column(self, call: ApiCall, table: Segment, member: Segment) -> Response:
        if member.arguments is None:
            _only(call, "POST")
            return await self._new_column(call, table, await read_object(call))
        _only(call, "PUT", "DELETE")
        body = await read_object(call) if call.method == "PUT" else {}

        def change(ground: Ground) -> Alteration:
            entity = ground.entity(entity_at(table, ground))
            field = ground.field(entity, member_at(member, ATTRIBUTE, entity.name, ground))
            if call.method == "DELETE":
                return _without(column_removal(entity, field, ground))
            return Alteration(tuple(column_changes(entity, field, body, ground)))

        await self._alterations.carry_out(call, change)
        return done()

    async def _new_column(self, call: ApiCall, table: Segment, body: dict[str, Any]) -> Response:
        new: list[tuple[str, str]] = []

        def make(ground: Ground) -> Alteration:
            entity = ground.entity(entity_at(table, ground))
            name, field, _ = new_column(body, ground)
            if name in entity.field_by_name:
                raise taken(f"a column of {entity.name}", name)
            if name in collections_of(ground.registry, entity.name):
                raise taken(f"a collection of {entity.name}", name)
            new.append((entity.name, name))
            changes = [Customization("entity", entity.name, ("fields", name), field)]
            if is_primary_image(body, name, field["type"]):
                changes.append(Customization("entity", entity.name, (PRIMARY_IMAGE,), name))
            return Alteration(tuple(changes), adds=ground.foreign(entity.bundle, name))

        model = await self._alterations.carry_out(call, make)
        return made(call, _member(model, ATTRIBUTES, ATTRIBUTE, *new[-1]))

    async def _key(self, call: ApiCall, table: Segment, member: Segment) -> Response:
        if member.arguments is None:
            _only(call, "POST")
            body = await read_object(call)
            new: list[tuple[str, str]] = []

            def make(ground: Ground) -> Alteration:
                entity = ground.entity(entity_at(table, ground))
                name, changes = new_key(entity, body, ground)
                new.append((entity.name, name))
                return Alteration(tuple(changes))

            model = await self._alterations.carry_out(call, make)
            return made(call, _member(model, KEYS, KEY, *new[-1]))
        _only(call, "DELETE")

        def change(ground: Ground) -> Alteration:
            entity = ground.entity(entity_at(table, ground))
            name = member_at(member, KEY, entity.name, ground)
            return _without(key_removal(entity, name, ground))

        await self._alterations.carry_out(call, change)
        return done()

    async def relationships(self, call: ApiCall) -> Response:
        """Make, change or delete a relationship."""
        segment = _alone(call)
        if segment.arguments is None:
            _only(call, "POST")
            body = await read_object(call)
            new: list[Named] = []

            def make(ground: Ground) -> Alteration:
                named, changes = new_relationship(body, ground)
                new.append(named)
                bundle = ground.entity(named.entity).bundle if named.entity else ""
                name = named.member.partition("/")[0]
                return Alteration(tuple(changes), adds=ground.foreign(bundle, name))

            model = await self._alterations.carry_out(call, make)
            return made(call, f"{LINKS}({definition_id(model, *new[-1])})")
        _only(call, "PUT", "DELETE")
        body = await read_object(call) if call.method == "PUT" else {}

        def change(ground: Ground) -> Alteration:
            named = relationship_at(segment, ground)
            if call.method == "PUT":
                return Alteration(tuple(relationship_changes(named, body, ground)))
            if named.kind == MANY_TO_MANY:
                return _without(link_removal(named.member, ground))
            assert named.kind == ONE_TO_MANY
            entity = ground.entity(named.entity)
            name, _, target = named.member.partition("/")
            field = ground.field(entity, name)
            return _without(target_removal(entity, field, target, ground))

        await self._alterations.carry_out(call, change)
        return done()

    async def choices(self, call: ApiCall) -> Response:
        """Make, change or delete a global option set."""
        segment = _alone(call)
        if segment.arguments is None:
            _only(call, "POST")
            body = await read_object(call)
            new: list[str] = []

            def make(ground: Ground) -> Alteration:
                name, changes = new_choice(body, ground)
                new.append(name)
                return Alteration(tuple(changes), adds=(name,))

            model = await self._alterations.carry_out(call, make)
            return made(call, f"{OPTION_SETS}({definition_id(model, OPTION_SET, '', new[-1])})")
        _only(call, "PUT", "DELETE")
        body = await read_object(call) if call.method == "PUT" else {}

        def change(ground: Ground) -> Alteration:
            name = choice_at(segment, ground)
            if call.method == "DELETE":
                return _without(choice_removal(name, ground))
            return Alteration(tuple(choice_changes(ground.registry.choices[name], body, ground)))

        await self._alterations.carry_out(call, change)
        return done()


def _either(read: Handler | None, write: Handler) -> Handler:
    """Return what answers GET by one handler and everything else by another."""

    async def answer(call: ApiCall) -> Response:
        if call.method in _READING:
            if read is None:
                raise NoSuchAddress(call.segments[0].name)
            return await read(call)
        return await write(call)

    return answer


def _alone(call: ApiCall) -> Segment:
    """Return the one segment of a path; a type after it changes nothing."""
    segment, *casts = call.segments
    if len(casts) > 1 or not all(cast.operation for cast in casts):
        raise NoSuchAddress("/".join(one.name for one in call.segments)[:200])
    return segment


def _only(call: ApiCall, *methods: str) -> None:
    if call.method not in methods:
        raise MethodNotTaken(", ".join(methods))


def _without(removal: Removal) -> Alteration:
    return Alteration(removal.changes, loses=removal.loses, empties=removal.empties)


def _member(model: CompiledModel, part: str, kind: str, entity: str, name: str) -> str:
    """Return the address of a column or key, whose id is the only one in it.

    Some clients take the first id of the address, others the last.
    """
    identity = definition_id(model, kind, entity, name)
    return f"{ENTITIES}(LogicalName='{entity}')/{part}({identity})"
