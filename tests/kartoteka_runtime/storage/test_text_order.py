"""Both engines sort as ``sort_key`` says, with an index for it."""

from __future__ import annotations

from random import Random

import pytest

from kartoteka.text_order import OWN_LETTERS, sort_key

WORDS = ["Żaba", "zebra", "źrebak", "Zając", "łoś", "lis", "LAMA", "ćma", "cietrzew", "czapla"]
IN_POLISH = ["cietrzew", "czapla", "ćma", "LAMA", "lis", "łoś", "Zając", "zebra", "źrebak", "Żaba"]


async def test_lists_sort_by_the_base_language(start_app):
    app = await start_app(languages=("pl", "en"))
    records = await app.records_as()
    for word in WORDS:
        await records.create("account", {"name": word})
    rows = await records.list("account", order=["name"], fields=["name"])
    assert [row["name"] for row in rows] == IN_POLISH
    found: list[object] = []
    after = ""
    while not found or after:
        page = await records.select(
            "account", fields=["name"], order=["name"], limit=3, after=after
        )
        found += [row["name"] for row in page.rows]
        after = page.next_after
    assert found == IN_POLISH


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_postgresql_makes_the_keys_that_python_makes(start_app):
    app = await start_app()
    random = Random(7)
    letters = "abcdezxłąćęńóśźżăâîșşțţčšđžåäöæøñçğıİIiÉéßœ \u0301\u0307-'9яЖ"
    words = ["".join(random.choices(letters, k=random.randrange(12))) for _ in range(200)]
    async with app.parts.database.reading() as connection:
        for language in OWN_LETTERS:
            sql = f"SELECT w, kartoteka_sort_{language}(w) FROM unnest(%(words)s::text[]) w"
            for word, key in await connection.fetch_all(sql, {"words": words}):
                assert key == sort_key(word, language), (language, word)
