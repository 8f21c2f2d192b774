"""Security roles and column profiles as documents have them."""

from __future__ import annotations

from collections.abc import Mapping

from kartoteka.model.column_profile import ColumnProfile
from kartoteka.model.role import PRIVILEGES, Role
from kartoteka.registry_documents.sparse_map import Map, label_map, sparse, unless


def role_map(role: Role) -> Map:
    """Return the content of a security role."""
    return {
        "label": label_map(role.label),
        "help": label_map(role.help),
        "grants_all": role.grants_all,
        "privileges": [{"entity": item.entity, **_levels(item.levels)} for item in role.privileges],
        "miscellaneous": list(role.miscellaneous),
    }


def _levels(levels: Mapping[str, str]) -> dict[str, str]:
    return {verb: levels[verb] for verb in PRIVILEGES if verb in levels}


def column_profile_map(profile: ColumnProfile) -> Map:
    """Return the content of a column profile."""
    return {
        "label": label_map(profile.label),
        "help": label_map(profile.help),
        "privileges": [
            sparse({
                "entity": item.entity,
                "columns": [
                    sparse({
                        "field": column.field,
                        "read": column.read,
                        "create": column.create,
                        "update": column.update,
                        "read_unmasked": unless(column.read_unmasked, "none"),
                    })
                    for column in item.columns
                ],
            })
            for item in profile.privileges
        ],
    }  # fmt: skip
