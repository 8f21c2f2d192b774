"""CollectionLink: narrows a list to the records that belong to one.

``accounts(1111…)/contact_customer_accounts`` is such a list; it takes the options of every other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    AllOf,
    Collection,
    Compared,
    Linked,
    Match,
    Quantified,
    TypedCondition,
)
from kartoteka.query.odata_filter import both
from kartoteka.query.of_view import path_of
from kartoteka.query.query import LinkedTo, Query
from kartoteka.registry import Registry

_OWNER = "owner"  # the variable of the one condition that needs one, inside of no other


@dataclass(frozen=True, slots=True)
class CollectionLink:
    """Whose records a list shows.

    Attributes:
        address: Where the list lies below the address of the API; next links go there.
        condition: What records meet that belong to the one; None where ``linked_to`` says it.
        linked_to: The link to it by an N:N relationship.
    """

    address: str
    condition: TypedCondition | None = None
    linked_to: LinkedTo | None = None

    def narrowed(self, query: Query) -> Query:
        """Return the query for these records alone."""
        condition = both(self.condition, query.condition)
        return replace(query, condition=condition, linked_to=self.linked_to)


def link_of(
    registry: Registry, collection: Collection, owner_id: str, address: str
) -> CollectionLink:
    """Return what narrows a list to the collection of one record."""
    match collection.via:
        case Match(item_field=item):
            path = path_of(registry, collection.entity, item.name)
            condition: TypedCondition = Compared(path, Operator.EQ, owner_id)
            if item.is_multi_target:  # a record of another target may have the same id
                primary_id = registry.entities[collection.owner].primary_id
                step = f"{item.name}_{collection.owner}/{primary_id}"
                exact = path_of(registry, collection.entity, step)
                condition = AllOf((condition, Compared(exact, Operator.EQ, owner_id)))
            return CollectionLink(address, condition)
        case Linked(relationship=relationship, owner_is_left=owner_is_left):
            if owner_is_left or relationship.left != relationship.right:
                return CollectionLink(address, linked_to=LinkedTo(relationship.name, owner_id))
            back = Collection(
                collection.name, collection.entity, collection.owner, Linked(relationship, True)
            )
            identity = path_of(
                registry, collection.owner, registry.entities[collection.owner].primary_id
            )
            term = Compared(replace(identity, variable=_OWNER), Operator.EQ, owner_id)
            return CollectionLink(address, Quantified(back, _OWNER, term))
