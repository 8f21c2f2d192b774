"""An app with one small entity, and the jobs of these tests."""

from __future__ import annotations

import pytest

CARD = """\
kind: entity
format: 1
name: card
label: { en: Card, pl: Karta }
plural_label: { en: Cards, pl: Karty }
primary_field: name
ownership: user

fields:
  - { name: name, type: text, label: { en: Name }, required: true, max_length: 40 }
  - { name: box, type: text, label: { en: Box }, max_length: 40 }
  - { name: times, type: whole_number, label: { en: Times } }
"""

SELLER = """\
kind: role
format: 1
extends: salesperson
privileges:
  - { entity: card, create: user, read: organization }
"""


@pytest.fixture(scope="session")
def cards() -> dict[str, str]:
    """Give the metadata of an app with the entity ``card``, which sellers make too."""
    return {"entities/card.yaml": CARD, "security_roles/salesperson.yaml": SELLER}
