"""What always holds of business units, users, teams and roles: the platform's own handlers.

One root unit; a default team in every unit, whose members are the unit's users; records that follow
their owner from unit to unit; somebody who administers; teams that only receive have no roles.
Source: reference platform, section 6.1; reference crm, section 1.12; decisions/0034.
"""
