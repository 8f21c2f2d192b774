"""Scopes: what a token may do of what its user may.

``read`` and ``write`` count for every entity, ``contact:read`` for one. A scope never adds
anything; no scope at all leaves everything. Decision: docs/decisions/0036.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kartoteka.errors import KartotekaError
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry

_APPEND, _APPEND_TO = "append", "append_to"
# What each verb lets through. To set a lookup, one record is appended to another; what is changed
# or deleted has to be found.
PRIVILEGES = {
    "read": frozenset({"read", _APPEND_TO}),
    "create": frozenset({"create", _APPEND, _APPEND_TO}),
    "update": frozenset({"read", "write", _APPEND, _APPEND_TO}),
    "delete": frozenset({"read", "delete"}),
    "write": frozenset(
        {"read", "create", "write", "delete", _APPEND, _APPEND_TO, "assign", "share"}
    ),
}
# What every record refers to by itself: who writes records has to find their owner and currency.
_REFERRED_TO = frozenset({"systemuser", "team", "businessunit", "transactioncurrency"})
WHOLE = ("read", "write")  # verbs that may stand without an entity
_MOST_SCOPES = 50


class ScopeUnknown(KartotekaError):
    """There is no such scope; the message says which there are."""

    def __init__(self, scope: str, hint: str) -> None:
        """Name the scope."""
        self.scope = scope
        super().__init__(f'there is no scope "{scope[:80]}"; {hint}')


def read_scopes(said: Iterable[str], registry: Registry) -> frozenset[str] | None:
    """Return checked scopes, parted by blanks or commas wherever they are; None for none at all.

    Raises:
        ScopeUnknown: One of them means nothing in this app.
    """
    scopes = [scope for text in said for scope in text.replace(",", " ").split()]
    if len(scopes) > _MOST_SCOPES:
        raise ScopeUnknown(scopes[_MOST_SCOPES], f"at most {_MOST_SCOPES} scopes are taken")
    for scope in scopes:
        _check(scope, registry)
    return frozenset(scopes) or None


def lets_through(scopes: Collection[str] | None, entity: str, privilege: str) -> bool:
    """Return whether scopes leave a privilege on an entity as the user has it."""
    if scopes is None:
        return True
    for scope in scopes:
        name, _, verb = scope.rpartition(":")
        if name in ("", entity) and privilege in PRIVILEGES.get(verb, ()):
            return True
        if verb != "read" and entity in _REFERRED_TO and privilege in PRIVILEGES["read"]:
            return True
    return False


def _check(scope: str, registry: Registry) -> None:
    entity, colon, verb = scope.rpartition(":")
    if not colon:
        if verb not in WHOLE:
            raise ScopeUnknown(scope, f"there are {', '.join(WHOLE)}, and such as account:read")
        return
    if verb not in PRIVILEGES:
        hint = did_you_mean(verb, list(PRIVILEGES)) or f"verbs are {', '.join(PRIVILEGES)}"
        raise ScopeUnknown(scope, hint)
    if entity not in registry.entities:
        hint = did_you_mean(entity, list(registry.entities)) or "it names no entity"
        raise ScopeUnknown(scope, hint)
