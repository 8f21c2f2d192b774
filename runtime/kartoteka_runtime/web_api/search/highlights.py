"""Where in a text the words of a search stand, whatever their case and accents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from kartoteka.text_folding import fold

OPENING, CLOSING = "{crmhit}", "{/crmhit}"
_BEFORE, _LONGEST = 60, 240  # characters that are told of a long text
_MOST_LOOKED_AT = 10_000  # characters of one value
_MOST_HITS = 1000  # of one word, more than what is told of a text can have


def marked(text: str, words: Sequence[str]) -> str:
    """Return a text, or a part of a long one, with its hits marked; "" when there are none.

    ``words`` are folded.
    """
    text = text[:_MOST_LOOKED_AT]
    whole = fold(text)
    spans = _spans(text, [word for word in words if word in whole])
    if not spans:
        return ""
    begin = max(0, spans[0][0] - _BEFORE) if len(text) > _LONGEST else 0
    end = begin + max(_LONGEST, spans[0][1] - begin)
    parts, at = [], begin
    for start, stop in spans:
        if stop > end:
            break
        parts += [text[at:start], OPENING, text[start:stop], CLOSING]
        at = stop
    parts.append(text[at:end])
    return "".join(parts)


def _spans(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where hits begin and end, those that touch as one."""
    if not words:
        return []
    folded, places = _folded(text)
    found = sorted(span for word in words for span in islice(_found(folded, word), _MOST_HITS))
    spans: list[tuple[int, int]] = []
    for start, stop in found:
        first, last = places[start], places[stop - 1] + 1
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    return [(start, _with_marks(text, stop)) for start, stop in spans]


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """Return a text folded, and which of its characters each of the folded ones comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    parts, places = [], []
    for at, sign in enumerate(text):
        part = fold(sign)
        parts.append(part)
        places += [at] * len(part)
    return "".join(parts), places


def _found(folded: str, word: str) -> Iterator[tuple[int, int]]:
    at = folded.find(word) if word else -1
    while at >= 0:
        yield at, at + len(word)
        at = folded.find(word, at + len(word))


def _with_marks(text: str, stop: int) -> int:
    """Return the end of a hit behind the accents that belong to its last character."""
    while stop < len(text) and not fold(text[stop]):
        stop += 1
    return stop
