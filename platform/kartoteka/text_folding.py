"""What text comparison and search see of a text: no case, no accents.

``fold`` is lower case, canonical decomposition, the combining marks U+0300 to U+036F taken away,
then the two tables below for letters that have no decomposition. A database that has these four
steps (or calls this function) finds the same; the tables are exported so that its function can be
generated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import normalize

FIRST_MARK = "\u0300"
LAST_MARK = "\u036f"

FOLD_SINGLE: Mapping[str, str] = {
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "ø": "o",
    "ħ": "h",
    "ı": "i",
    "ŧ": "t",
    "ŋ": "n",
    "ſ": "s",
    "ς": "σ",  # lower-casing depends on the place in the word in some engines only
}
FOLD_MULTIPLE: Mapping[str, str] = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ĳ": "ij",
}

_MARKS: Mapping[str, str] = {chr(code): "" for code in range(ord(FIRST_MARK), ord(LAST_MARK) + 1)}
_TABLE = str.maketrans({**_MARKS, **FOLD_SINGLE, **FOLD_MULTIPLE})


def fold(text: str) -> str:
    """Return the text without case and accents: ``Żółć`` gives ``zolc``, ``Straße`` ``strasse``."""
    if text.isascii():
        return text.lower()
    return normalize("NFD", text.lower()).translate(_TABLE)
