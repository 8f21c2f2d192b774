"""FormValues: the values of one form in one language and time zone, both ways.

What inputs hold are texts, kept in one flat ``{key: text}``. A field has one key, its logical
name. A lookup has ``name`` (what is typed), ``name.ref`` (``entity:id``) and ``name.of`` (whose
name that is), so that a name typed without a script can be told from one that was chosen. Parties
have ``name`` (one a line) and ``name.ref`` (``entity:id|name`` a line).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from typing import Any

from kartoteka.access.mask import MaskedText
from kartoteka.model.field import Field
from kartoteka.record_values import Party, Reference
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.localization.parse_value import input_writer, value_reader
from kartoteka_runtime.web.displayed_values import record_function, show_function
from kartoteka_runtime.web.form_model import ControlModel

REF, OF, PICK = ".ref", ".of", ".pick"


def money_kind(item: Field) -> str:
    """Return whose currency an amount is in: ``own``, ``base``, or nothing when it is no money."""
    if item.type != "money":
        return ""
    return "base" if item.base_of else "own"


class FormValues:
    """Writes records into forms and reads typed texts back."""

    def __init__(
        self,
        controls: Iterable[ControlModel],
        fields: Mapping[str, Field],
        language: str,
        zone: tzinfo,
    ) -> None:
        """Compile a writer and a reader for each field."""
        controls = tuple(controls)
        self.edited = tuple(control for control in controls if control.is_editable)
        self.by_name = {control.name: control for control in self.edited}
        columns = [
            (
                control.name,
                money_kind(fields[control.name]),
                show_function(fields[control.name], control, language, zone),
                control.is_secured,
            )
            for control in controls
        ]
        self._shown = record_function(columns)
        beside = {control.name for control in controls if not control.is_editable}
        self._shown_beside = record_function([item for item in columns if item[0] in beside])
        self._writers: list[tuple[str, Callable[[str, Any, dict[str, str]], None]]] = [
            (control.name, _input_function(control, fields[control.name], language, zone))
            for control in self.edited
        ]
        self._secured = frozenset(control.name for control in self.edited if control.is_secured)
        self.readers = {
            control.name: value_reader(fields[control.name], language, zone)
            for control in self.edited
        }
        keys = [key for control in self.edited for key in keys_of(control)]
        self.empty = dict.fromkeys(keys, "")
        self.keys = frozenset(keys) | {
            control.name + PICK for control in self.edited if control.widget == "lookup"
        }
        self.several = frozenset(
            control.name for control in self.edited if control.widget == "multi_choice"
        )

    def shown(self, record: Mapping[str, Any], money: MoneyWriters) -> dict[str, Any]:
        """Return ``{field: what its widget shows}``, '' for empty fields."""
        shown: dict[str, Any] = self._shown(record, money)
        return shown

    def shown_beside(self, record: Mapping[str, Any], money: MoneyWriters) -> dict[str, Any]:
        """Return the same for the fields that the form does not edit."""
        shown: dict[str, Any] = self._shown_beside(record, money)
        return shown

    def inputs(self, record: Mapping[str, Any]) -> dict[str, str]:
        """Return the texts that the inputs hold for a record."""
        texts = self.empty.copy()
        get = record.get
        for name, write in self._writers:
            value = get(name)
            if value is None or (name in self._secured and isinstance(value, MaskedText)):
                continue  # what a mask leaves is no input
            write(name, value, texts)
        return texts

    def originals(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return of inputs the one text a field that says whether it was changed.

        Of lookups it is ``entity:id|name``; the name only tells people what it was.
        """
        found = {}
        for control in self.edited:
            name = control.name
            found[name] = texts[name]
            if control.widget == "lookup" and texts[name]:
                found[name] = f"{texts[name + REF]}|{texts[name]}"
            elif control.widget == "parties":
                found[name] = texts[name + REF] or texts[name]
        return found


def keys_of(control: ControlModel) -> tuple[str, ...]:
    """Return the keys of a control's inputs."""
    name = control.name
    match control.widget:
        case "lookup":
            return (name, name + REF, name + OF)
        case "parties":
            return (name, name + REF)
    return (name,)


def is_same(control: ControlModel, one: str, other: str) -> bool:
    """Return whether two originals of a field mean the same value."""
    if control.widget == "lookup":
        return one.partition("|")[0] == other.partition("|")[0]
    return one == other


def write_reference(name: str, value: Reference, texts: dict[str, str]) -> None:
    """Put a reference into the three inputs of a lookup."""
    texts[name] = texts[name + OF] = value.name or value.id
    texts[name + REF] = f"{value.entity}:{value.id}"


def read_reference(text: str) -> Reference | None:
    """Return the reference that ``entity:id`` or ``entity:id|name`` names, or None."""
    named, _, name = text.partition("|")
    entity, _, record_id = named.partition(":")
    try:
        return Reference(entity, str(uuid.UUID(record_id)), name) if entity else None
    except ValueError:
        return None


def _write_parties(name: str, value: tuple[Party, ...], texts: dict[str, str]) -> None:
    known = [party.reference for party in value if party.reference]
    texts[name] = "\n".join(
        party.reference.name or party.reference.id if party.reference else party.address
        for party in value
    )
    texts[name + REF] = "\n".join(f"{ref.entity}:{ref.id}|{ref.name or ref.id}" for ref in known)


def _input_function(
    control: ControlModel, item: Field, language: str, zone: tzinfo
) -> Callable[[str, Any, dict[str, str]], None]:
    match control.widget:
        case "lookup":
            return write_reference
        case "parties":
            return _write_parties
    write = input_writer(item, language, zone)

    def put(name: str, value: Any, texts: dict[str, str]) -> None:
        texts[name] = write(value)

    return put
