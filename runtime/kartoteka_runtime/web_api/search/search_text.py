r"""What somebody typed into a search box → the texts that records are looked through for.

The syntax is the simple one of Dataverse's search: words, ``"a phrase"``, ``+needed``, ``-left
out``, ``a|b``, ``begin*``, ``*`` for everything, and ``\`` before a sign that means itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.query.query_error import QueryError
from kartoteka.text_folding import fold

LONGEST_SEARCH = 200  # characters
MOST_TERMS = 10
_ALWAYS_APART = frozenset("+|()")


@dataclass(frozen=True, slots=True)
class SearchText:
    """The texts of a search, as they were typed.

    Attributes:
        needed: Every one of them has to be found.
        wanted: One of them has to be found, unless some are needed: then they decide the rank only.
        left_out: None of them may be found.
    """

    needed: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def sought(self) -> tuple[str, ...]:
        """Return all texts that speak for a record; none when every record is meant."""
        return (*self.needed, *self.wanted)

    @property
    def whole(self) -> str:
        """Return them as one text, which a field may hold as a whole."""
        return " ".join(self.sought)


@dataclass(slots=True)
class _Word:
    text: str = ""
    sign: str = ""  # + or -, as it stands before the word
    is_quoted: bool = False


def read_search_text(text: str, *, part: str, needs_all: bool) -> SearchText:
    """Return what to look for; with ``needs_all`` every word has to be found.

    Words in another order than a parenthesis would have them are read as if it were not there.

    Raises:
        QueryError: There is nothing to look for, or too much.
    """
    if len(text) > LONGEST_SEARCH:
        message = f"{len(text)} characters are too many; at most {LONGEST_SEARCH} are looked for"
        raise QueryError(message, part=part)
    words = _words("".join(sign if sign.isprintable() else " " for sign in text))
    is_everything = any(word.text == "*" and not word.is_quoted for word in words)
    found: dict[str, dict[str, None]] = {"+": {}, "": {}, "-": {}}
    for word in words:
        said = word.text if word.is_quoted else word.text.rstrip("*")
        said = " ".join(said.split())
        if fold(said):
            found["+" if needs_all and not word.sign else word.sign][said] = None
    needed, wanted, left_out = (tuple(found[sign]) for sign in ("+", "", "-"))
    if not (needed or wanted or is_everything):
        raise QueryError("there is nothing to look for", part=part, hint="write a word, or *")
    if len(needed) + len(wanted) + len(left_out) > MOST_TERMS:
        raise QueryError(f"at most {MOST_TERMS} words are looked for", part=part)
    return SearchText(needed, tuple(text for text in wanted if text not in needed), left_out)


def _words(text: str) -> list[_Word]:
    """Return the words and phrases of a text, with the signs before them."""
    words: list[_Word] = []
    word = _Word()
    quoted = escaped = False

    def end() -> None:
        nonlocal word
        if word.text:
            words.append(word)
        word = _Word()

    for sign in text:
        if escaped:
            word.text += sign
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == '"':
            if quoted:
                end()
            else:
                before = word.sign if not word.text else ""
                end()
                word = _Word(sign=before, is_quoted=True)
            quoted = not quoted
        elif quoted:
            word.text += sign
        elif sign in _ALWAYS_APART:
            is_joined = bool(word.text)
            end()
            if sign == "+":
                word.sign = "+"
                if is_joined and not words[-1].sign:  # a+b needs both
                    words[-1].sign = "+"
        elif sign.isspace():
            end()
        elif sign == "-" and not word.text:
            word.sign = "-"
        else:
            word.text += sign
    end()
    return words
