"""Lists sort as the alphabet of the base language goes."""

from __future__ import annotations

import pytest

from kartoteka.text_folding import fold
from kartoteka.text_order import OWN_LETTERS, sort_key

SORTED = {
    "pl": [
        "Adam",
        "aga",
        "azot",
        "Ąkacki",
        "baza",
        "cudo",
        "ćma",
        "Lza",
        "Łada",
        "zz",
        "źle",
        "żaba",
    ],
    "ro": ["azi", "ăla", "âna", "sus", "șase", "tun", "țar"],
    "sl": ["cvet", "Čas", "zvon", "žaba"],
    "sv": ["zon", "ål", "äpple", "ö"],
    "da": ["zoo", "æble", "ø", "å"],
    "tr": ["hız", "ısı", "iz", "oya", "öz"],
    "en": ["Ábel", "abet", "Éa", "eb", "z"],
    "pt": ["ação", "acao b", "é", "f"],
}


@pytest.mark.parametrize("language", SORTED)
def test_words_sort_as_a_dictionary_of_the_language_has_them(language):
    words = SORTED[language]
    assert sorted(reversed(words), key=lambda word: sort_key(word, language)) == words


def test_cedillas_of_old_texts_sort_like_commas():
    assert sort_key("şase", "ro") == sort_key("Șase", "ro")


def test_decomposed_letters_are_the_same_letters():
    assert sort_key("z\u0307aba", "pl") == sort_key("żaba", "pl")


def test_languages_without_letters_of_their_own_sort_folded_texts():
    assert "de" not in OWN_LETTERS
    assert sort_key("Öl", "de") == fold("Öl")
