"""Label: a text for people in several languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Label:
    """Texts by language code (``{"en": "Account", "pl": "Firma"}``).

    A text may hold placeholders that follow renames: ``{entity:account}``, ``{entities:account}``
    (the plural) and ``{field:account.name}``. ``kartoteka.labels`` resolves them.
    """

    texts: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether any language has a text."""
        return bool(self.texts)


NO_LABEL = Label()
