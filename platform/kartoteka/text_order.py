"""How texts are sorted: as the alphabet of an organization's base language goes.

``sort_key`` is what ``fold`` gives, but letters that a language counts as letters of their own keep
a place of their own: in Polish ``ą`` comes after every ``a``, in Danish ``å`` after ``z``. Case and
other accents make no difference. Keys are compared by their code points, so that a database can
hold them in an index; ``OWN_LETTERS`` is exported so that its function can be generated.

Only what differs from the plain order is here; a language without an entry (English, German,
Portuguese …) sorts by ``fold`` alone. Source: the alphabets as in CLDR's collation charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from unicodedata import normalize

from kartoteka.text_folding import fold

AFTER = "\uf8ff"  # after every letter: no text in use holds it


def _letters(*groups: str) -> Mapping[str, str]:
    """Return ``{letter: its key}``; each group is a letter and those that follow it."""
    return MappingProxyType(
        {
            letter: group[0] + AFTER * place
            for group in groups
            for place, letter in enumerate(group[1:], 1)
        }
    )


_CROATIAN = _letters("cčć", "dđ", "sš", "zž")
_SWEDISH = _letters("zåäö")
_DANISH = _letters("zæøå")

OWN_LETTERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "bs": _CROATIAN,
        "cs": _letters("cč", "rř", "sš", "zž"),
        "da": _DANISH,
        "es": _letters("nñ"),
        "et": _letters("sš", "wõäöü"),
        "fi": _SWEDISH,
        "hr": _CROATIAN,
        "hu": _letters("oö", "uü"),
        "lt": _letters("cč", "sš", "zž"),
        "lv": _letters("cč", "gģ", "kķ", "lļ", "nņ", "sš", "zž"),
        "nb": _DANISH,
        "nn": _DANISH,
        "no": _DANISH,
        "pl": _letters("aą", "cć", "eę", "lł", "nń", "oó", "sś", "zźż"),
        "ro": _letters("aăâ", "iî", "sș", "tț"),
        "sk": _letters("aä", "cč", "oô", "sš", "zž"),
        "sl": _CROATIAN,
        "sv": _SWEDISH,
        "tr": _letters("cç", "gğ", "hı", "oö", "sş", "uü"),
    }
)
OTHER_FORMS: Mapping[str, str] = MappingProxyType({"ş": "ș", "ţ": "ț"})  # of Romanian, with cedilla

_TABLES = {language: str.maketrans(dict(letters)) for language, letters in OWN_LETTERS.items()}
_ROMANIAN_FORMS = str.maketrans(dict(OTHER_FORMS))


def sort_key(text: str, language: str) -> str:
    """Return what a text is sorted by in a language: ``żaba`` gives ``z``, two marks, ``aba``."""
    table = _TABLES.get(language)
    if table is None or text.isascii():
        return fold(text)
    lowered = normalize("NFC", text.lower())
    if language == "ro":
        lowered = lowered.translate(_ROMANIAN_FORMS)
    return fold(lowered.translate(table))
