"""Content fields: those that take and give what is stored in a file, base64 encoded.

An image is one; what it gives is its thumbnail. Of a note it is ``documentbody``, which is the file
of the note. Neither lies in the record. Source: reference web-api, section 3.
"""

from __future__ import annotations

from kartoteka.model.entity import Entity

NOTE, NOTE_FILE, NOTE_BODY = "annotation", "documentbody_binary", "documentbody"


def contents_of(entity: Entity) -> frozenset[str]:
    """Return the content fields of an entity."""
    images = {item.name for item in entity.file_fields if item.type == "image"}
    if entity.name == NOTE and {NOTE_BODY, NOTE_FILE} <= entity.field_by_name.keys():
        images.add(NOTE_BODY)
    return frozenset(images)


def file_of(entity: str, name: str) -> str:
    """Return the field that holds the file of a content field: its own one, but for notes."""
    return NOTE_FILE if (entity, name) == (NOTE, NOTE_BODY) else name
