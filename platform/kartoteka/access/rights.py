"""Rights: what can be shared of one record, as numbers of a mask.

The numbers are those of Dataverse's AccessRights. Source: reference platform, section 6.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RIGHTS: Mapping[str, int] = {
    "read": 1,
    "write": 2,
    "append": 4,
    "append_to": 16,
    "delete": 65536,
    "share": 262144,
    "assign": 524288,
}
ALL_RIGHTS = sum(RIGHTS.values())
SHARE_MASK = "sharemask"  # field of the principals that a record may be shared with
_MASK_BITS = 61


def mask_of(privileges: Iterable[str]) -> int:
    """Return the mask of privileges by name.

    Raises:
        KeyError: One of them cannot be shared (``create``), or is none.
    """
    mask = 0
    for privilege in privileges:
        mask |= RIGHTS[privilege]
    return mask


def share_bit(principal_id: str) -> int:
    """Return the bit of a record's share mask that stands for a principal, and for others."""
    return 1 << int(principal_id.replace("-", ""), 16) % _MASK_BITS


def share_mask(principal_ids: Iterable[str]) -> int:
    """Return the bits of principals together."""
    mask = 0
    for principal_id in principal_ids:
        mask |= share_bit(principal_id)
    return mask


def privileges_of(mask: int) -> tuple[str, ...]:
    """Return the names of the privileges that a mask holds."""
    return tuple(name for name, bit in RIGHTS.items() if mask & bit)
