"""Ground: what an alteration starts from, and how it is to be understood."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.labels import LabelResolver
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.registry import Registry
from kartoteka_runtime.web_api.altering.refusals import bad, missing
from kartoteka_runtime.web_api.metadata_ids import MetadataIds, Named


@dataclass(frozen=True, slots=True)
class Ground:
    """What is live, and is what the app's files say.

    Attributes:
        registry: All definitions.
        labels: Their texts.
        own: The name of the app's own bundle; "" while it has none.
        ids: What the MetadataIds stand for.
        language: That of the caller.
        merges_labels: Whether languages that a definition leaves out keep their texts.
    """

    registry: Registry
    labels: LabelResolver
    own: str
    ids: MetadataIds
    language: str
    merges_labels: bool = False

    def at(self, identity: str) -> Named | None:
        """Return what a MetadataId stands for; None when it is none."""
        return self.ids.at(identity)

    def is_own(self, bundle: str) -> bool:
        """Return whether something comes from the app's own bundle."""
        return bool(self.own) and bundle == self.own

    def entity(self, name: str) -> Entity:
        """Return an entity by its logical name.

        Raises:
            CallRefused: There is none.
        """
        found = self.registry.entities.get(name)
        if found is None:
            raise missing("table", name)
        return found

    def target(self, name: str, place: str) -> Entity:
        """Return the entity that a property names, in any letter case.

        Raises:
            CallRefused: It names none.
        """
        found = self.registry.entities.get(name.lower())
        if found is None:
            raise bad(f'{place} must name a table; there is no "{name[:80]}".')
        return found

    def field(self, entity: Entity, name: str) -> Field:
        """Return a field of an entity.

        Raises:
            CallRefused: There is none.
        """
        found = entity.field_by_name.get(name)
        if found is None:
            raise missing(f"column of {entity.name}", name)
        return found

    def foreign(self, bundle: str, name: str) -> tuple[str, ...]:
        """Return the name of what is added to something of a bundle, if it needs a prefix there."""
        return () if self.is_own(bundle) else (name,)

    def bundle_of(self, field: Field, entity: Entity) -> str:
        """Return the bundle that a field comes from."""
        return field.bundle or entity.bundle
