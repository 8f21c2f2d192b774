"""KartotekaError and its few children: what a caller of the platform may catch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kartoteka.diagnostics import Diagnostic


class KartotekaError(Exception):
    """The root of every error that Kartoteka raises on purpose.

    ``place`` says which of several records it is about, from 0; None where there is but one.
    """

    place: int | None = None


class MetadataError(KartotekaError):
    """Metadata has mistakes; ``diagnostics`` holds all of them, in file order."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep the diagnostics; the message shows one a line."""
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))


class PublishFailed(KartotekaError):
    """A publish stopped; the registry that was live before is live still."""


class PluginError(KartotekaError):
    """A plugin could not be loaded or broke a promise; the message names the plugin and hook."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a record that someone wanted to write.

    ``code`` is a message key of the registry (``violation.too_long``); ``params`` fill its
    placeholders. ``field`` is a logical name, or None when the whole record is meant.
    """

    field: str | None
    code: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class RecordInvalid(KartotekaError):
    """A record was refused; ``violations`` says why, at most one a field. Nothing was written."""

    def __init__(self, entity: str, violations: Iterable[Violation]) -> None:
        """Keep the violations of a record of ``entity``."""
        self.entity = entity
        self.violations = tuple(violations)
        super().__init__(
            f"{entity}: " + ", ".join(f"{v.field or '-'}: {v.code}" for v in self.violations)
        )


class RecordNotFound(KartotekaError):
    """No such record, or none that this principal may know of."""

    def __init__(self, entity: str, record_id: str) -> None:
        """Name what was asked for."""
        self.entity = entity
        self.record_id = record_id
        super().__init__(f"{entity} {record_id} was not found")


class RecordConflict(KartotekaError):
    """Someone else changed the record since it was read; ``current_version`` is what is stored."""

    def __init__(self, entity: str, record_id: str, current_version: int) -> None:
        """Name the record and the version now stored."""
        self.entity = entity
        self.record_id = record_id
        self.current_version = current_version
        super().__init__(f"{entity} {record_id} was changed meanwhile")


class AccessDenied(KartotekaError):
    """The principal may know of the record but may not do this to it."""

    def __init__(self, code: str, params: Mapping[str, Any] | None = None) -> None:
        """Keep the message key and what fills its placeholders."""
        self.code = code
        self.params = dict(params or {})
        super().__init__(code)
