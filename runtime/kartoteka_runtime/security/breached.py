"""The passwords that are tried first: a small list, and the usual ways to dress its entries up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_FEWEST_CHARACTERS = 5  # different ones; fewer are a pattern, whatever they are
_MOST_DRESSING = 8  # digits and signs before or after a listed word that do not make it another
_PLAIN = str.maketrans("0134578@$!€", "oieastbasie")  # p@ssw0rd


def is_known(password: str) -> bool:
    """Return whether a password is among the first that somebody else would try."""
    folded = password.casefold()
    if len(set(folded)) < _FEWEST_CHARACTERS:
        return True
    known = _listed()
    return any(
        _is_repeated(form, known) for bare in _undressed(folded) for form in (bare, _plain(bare))
    )


@cache
def _listed() -> frozenset[str]:
    text = files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _undressed(password: str) -> Iterator[str]:
    """Yield the password, and what is left without digits and signs at its ends."""
    begins = [0, *_dressing(password)]
    ends = [0, *_dressing(password[::-1])]
    for begin in begins:
        for end in ends:
            if begin + end < len(password):
                yield password[begin : len(password) - end]


def _dressing(text: str) -> Iterator[int]:
    """Yield how many characters from the beginning are no letters: 1, 2, and so on."""
    for length, character in enumerate(text[:_MOST_DRESSING], 1):
        if character.isalpha():
            return
        yield length


def _is_repeated(text: str, known: frozenset[str]) -> bool:
    """Return whether a text is a listed one, once or several times."""
    if text in known:
        return True
    return any(
        len(text) % length == 0 and text[:length] * (len(text) // length) == text
        and text[:length] in known
        for length in range(3, len(text) // 2 + 1)
    )  # fmt: skip


def _plain(text: str) -> str:
    """Return a text with letters where signs and digits stand for them."""
    return text.translate(_PLAIN)
