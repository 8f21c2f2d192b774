"""Patterns of like."""

from __future__ import annotations

import pytest

from kartoteka.conditions.like_pattern import (
    AnyCharacter,
    AnyText,
    OneCharacter,
    like_expression,
    pattern_parts,
)
from kartoteka.text_folding import fold


def fits(pattern: str, text: str) -> bool:
    return like_expression(pattern).fullmatch(fold(text)) is not None


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("ski%", ["Ski House", "ski"], ["Alpine ski", ""]),
        ("%ski", ["Alpine SKI", "skiski"], ["ski house"]),
        ("%a%b%", ["ab", "xaxbx", "aab\n"], ["ba", "a"]),
        ("_a_", ["bab", "łąż"], ["ba", "baab"]),
        ("[a-c]%", ["Boat", "ćma", "a"], ["ski", "-"]),
        ("[^a-c]_", ["ski"[:2], "zz"], ["ab", "z"]),
        ("100[%]", ["100%"], ["1000", "100"]),
        ("[[]x", ["[x"], ["x"]),
        ("[x", ["[x"], ["x"]),
        ("[z-a]", [], ["z", "a", "m"]),
        ("[]", [], ["", "]"]),
        ("a.c*", ["a.c*"], ["abc*", "a.cc"]),
        ("straße", ["STRASSE"], ["strase"]),
        ("", [""], ["a"]),
    ],
)
def test_what_fits(pattern, fitting, other):
    assert [text for text in fitting if not fits(pattern, text)] == []
    assert [text for text in other if fits(pattern, text)] == []


def test_parts_are_folded_and_any_text_comes_once():
    assert pattern_parts("%%Ą_[a-zł]%[^]") == (
        AnyText(),
        "a",
        AnyCharacter(),
        OneCharacter((("a", "z"), ("l", "l"))),
        AnyText(),
        OneCharacter((), is_outside=True),
    )


def test_a_pattern_never_looks_back_far():
    assert not fits("%a" * 200 + "%b", "a" * 5000)
    assert not fits("%a%" + "_" * 100 + "b", "a" * 5000)
