"""TokenReader: a place in the tokens of a condition, with the limits of what may stand there."""

from __future__ import annotations

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.keywords import KEYWORDS, OTHER_SPELLINGS
from kartoteka.conditions.tokens import MAX_CHARACTERS, Token, TokenKind, foreign, split

MAX_DEPTH = 50  # of brackets, and of what is nested without them
MAX_ITEMS = 500

_FOREIGN_KINDS = frozenset(
    {
        TokenKind.EQUALS, TokenKind.QUOTED, TokenKind.OPEN_LIST, TokenKind.CLOSE_LIST,
        TokenKind.MINUS,
    }
)  # fmt: skip


class TokenReader:
    """Goes over tokens from left to right; ``here`` is the next one that nobody has read.

    ``depth`` counts what is open around the next token, ``height`` the levels of the node that
    was read last: a chain such as ``a add b add c`` grows in height without any bracket.
    """

    def __init__(self, text: str, most_characters: int = MAX_CHARACTERS) -> None:
        """Stand before the first token of a text.

        Raises:
            ConditionError: The text is too long, or holds something that is no token.
        """
        self._text = text
        self._tokens = split(text, most=most_characters)
        self._next = 0
        self.here = self._tokens[0]
        self.depth = 0
        self.height = 0

    @property
    def after(self) -> Token:
        """Return the token behind this one, which is not the end."""
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def advance(self) -> None:
        """Go on to the next token."""
        self._next += 1
        self.here = self._tokens[self._next]

    def is_at(self, kind: TokenKind) -> bool:
        """Return whether a token of a kind comes next."""
        return self.here.kind is kind

    def is_word(self, word: str) -> bool:
        """Return whether a word comes next."""
        return self.here.text == word and self.here.kind is TokenKind.NAME

    def expect(self, kind: TokenKind) -> None:
        """Go past a token that must come next."""
        if self.here.kind is not kind:
            raise self.unexpected(f'"{kind.value}"')
        self.advance()

    def go_deeper(self, offset: int) -> None:
        """Note that something was opened; who closes it takes one off ``depth``."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(offset)

    def rise(self, height: int, offset: int) -> None:
        """Note the height of a node that stands on others."""
        self.height = height + 1
        if height >= MAX_DEPTH:
            raise _too_deep(offset)

    def limit_items(self, count: int, most: int = MAX_ITEMS) -> None:
        """Refuse one more item of a list that has ``count``."""
        if count >= most:
            raise ConditionError(f"more than {most} items in one list", self.here.offset)

    def unexpected(self, wanted: str) -> ConditionError:
        """Return the error for the next token, which is not what must come."""
        found = self.here
        if found.kind in _FOREIGN_KINDS and (error := foreign(self._text, found.offset)):
            return error
        advice = OTHER_SPELLINGS.get(found.text.lower()) if found.text not in KEYWORDS else None
        hint = f"write {advice}" if advice else ""
        return ConditionError(f"expected {wanted}, found {found}", found.offset, hint)


def _too_deep(offset: int) -> ConditionError:
    return ConditionError(f"more than {MAX_DEPTH} levels of nesting", offset)
