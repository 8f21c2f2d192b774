"""Which handlers tell definitions, by the first segment of an address."""

from __future__ import annotations

from kartoteka_runtime.web_api.api_call import Handler
from kartoteka_runtime.web_api.definitions.catalogue import (
    ENTITIES,
    OPTION_SETS,
    RELATIONSHIPS,
)
from kartoteka_runtime.web_api.definitions.definition import NAMESPACE
from kartoteka_runtime.web_api.definitions.definition_endpoint import definitions
from kartoteka_runtime.web_api.definitions.metadata_changes import NAME, metadata_changes
from kartoteka_runtime.web_api.definitions.metadata_document import (
    Declared,
    MetadataEndpoint,
    service_document,
)


def definition_handlers(declared: Declared) -> dict[str, Handler]:
    """Return the handlers; ``declared`` gives the operations that ``$metadata`` tells."""
    return {
        "": service_document,
        "$metadata": MetadataEndpoint(declared).answer,
        ENTITIES: definitions,
        RELATIONSHIPS: definitions,
        OPTION_SETS: definitions,
        NAME: metadata_changes,
        f"{NAMESPACE}{NAME}": metadata_changes,
    }
