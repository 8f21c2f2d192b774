"""Codes that whole numbers of the formats language and time zone hold, and their names.

Source: Windows language identifiers and the time zone indexes that Dataverse stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from babel import Locale

LANGUAGE_CODES: Mapping[int, str] = {
    1029: "cs", 1031: "de", 1033: "en", 1034: "es", 1036: "fr", 1038: "hu", 1040: "it",
    1043: "nl", 1045: "pl", 1046: "pt_BR", 1048: "ro", 1050: "hr", 1051: "sk", 1060: "sl",
    2057: "en_GB", 2070: "pt_PT",
}  # fmt: skip

TIME_ZONE_CODES: Mapping[int, str] = {
    2: "Pacific/Honolulu", 3: "America/Anchorage", 4: "America/Los_Angeles", 10: "America/Denver",
    15: "America/Phoenix", 20: "America/Chicago", 25: "America/Regina", 30: "America/Mexico_City",
    35: "America/New_York", 45: "America/Bogota", 50: "America/Halifax", 56: "America/Santiago",
    60: "America/St_Johns", 65: "America/Sao_Paulo", 80: "Atlantic/Azores",
    83: "Atlantic/Cape_Verde", 85: "Europe/London", 90: "Africa/Casablanca",
    95: "Europe/Budapest", 100: "Europe/Warsaw", 105: "Europe/Paris", 110: "Europe/Berlin",
    113: "Africa/Lagos", 115: "Europe/Chisinau", 120: "Africa/Cairo", 125: "Europe/Helsinki",
    130: "Europe/Bucharest", 135: "Asia/Jerusalem", 140: "Africa/Johannesburg",
    145: "Europe/Moscow", 150: "Asia/Riyadh", 155: "Africa/Nairobi", 158: "Asia/Baghdad",
    160: "Asia/Tehran", 165: "Asia/Dubai", 175: "Asia/Kabul", 180: "Asia/Yekaterinburg",
    185: "Asia/Karachi", 190: "Asia/Kolkata", 193: "Asia/Kathmandu", 205: "Asia/Bangkok",
    210: "Asia/Shanghai", 215: "Asia/Singapore", 220: "Asia/Taipei", 225: "Australia/Perth",
    230: "Asia/Seoul", 235: "Asia/Tokyo", 245: "Australia/Darwin", 255: "Australia/Sydney",
    260: "Australia/Brisbane", 265: "Australia/Hobart", 270: "Asia/Vladivostok",
    290: "Pacific/Auckland",
}  # fmt: skip


@cache
def language_names(language: str) -> Mapping[int, str]:
    """Return ``{language code: name of that language}`` in the reader's language."""
    reader = Locale.parse(language)
    return {
        code: Locale.parse(name).get_display_name(reader) or name
        for code, name in LANGUAGE_CODES.items()
    }


@cache
def time_zone_names() -> Mapping[int, str]:
    """Return ``{time zone code: name}``; zones go by a city that lies in them."""
    return {code: zone.replace("_", " ") for code, zone in TIME_ZONE_CODES.items()}


_PREFERRED = {"en": 1033, "pt": 2070}  # of languages that have several codes
_OTHER = 0x1000  # a language that has none


@cache
def language_code(language: str) -> int:
    """Return the code of a language such as ``en``, ``pt`` or ``pt-BR``."""
    name = language.replace("-", "_")
    code = _PREFERRED.get(name)
    if code is not None:
        return code
    same = (code for code, known in LANGUAGE_CODES.items() if known == name)
    near = (code for code, known in LANGUAGE_CODES.items() if known[:2] == name[:2])
    return next(same, next(near, _OTHER))


def language_of_code(code: int, languages: Sequence[str]) -> str:
    """Return which of some languages a code stands for; "" when it is none of them."""
    exact = next((item for item in languages if language_code(item) == code), "")
    known = LANGUAGE_CODES.get(code, "")
    return exact or next((item for item in languages if known and item[:2] == known[:2]), "")
