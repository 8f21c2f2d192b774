"""``navigation_name``: what the record that a lookup names is called in the Web API.

| lookup | its navigation property | example |
|---|---|---|
| with one target | its name | ``primarycontactid`` |
| with several | name and target | ``parentcustomerid_account`` |
| of what an activity is about | name, target and activity | ``regardingobjectid_account_task`` |
| of the owner | its name, whoever that is | ``ownerid`` |

A lookup whose definition keeps a schema name is called by that instead of its logical name
(``new_AccountId``). Source: reference web-api, section 2.
"""

from __future__ import annotations

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field


def navigation_name(field: Field, target: str, entity: Entity) -> str:
    """Return the navigation property of ``entity`` for one target of a lookup."""
    name = stem_of(field)
    if field.type == "regarding":
        return f"{name}_{target}_{entity.name}"
    if field.is_multi_target and field.type != "owner":
        return f"{name}_{target}"
    return name


def stem_of(field: Field) -> str:
    """Return what the navigation properties of a lookup begin with."""
    return field.schema_name or field.name
