"""Pages in the reader's language, with what the app's metadata calls things."""

from __future__ import annotations


async def test_pages_open_in_every_language(visit):
    for language in ("en", "pl", "pt", "ro", "sl"):
        visitor = await visit(language=language)
        address = await visitor.create("sample", name="Sample", price="5", seen="2031-05-06T10:00")
        places = ("/", "/e/sample", "/e/sample/new", address, f"{address}/delete", "/settings")
        for place in places:
            page = await visitor.open(place)
            assert page.status == 200
            assert f'<html lang="{language}"' in page.html


async def test_labels_of_the_app_are_shown_in_the_language(visit):
    page = await (await visit(language="pl")).open("/e/sample/new")
    assert "Próbka" in page.text
    assert "Zapisz" in page.text


async def test_the_language_is_chosen_in_the_settings(visitor):
    settings = await visitor.open("/settings")
    saved = await visitor.send(settings.form_to("/settings"), language="sl")
    assert saved.status == 303
    assert 'lang="sl"' in (await visitor.open("/")).html


async def test_the_menu_switches_language_and_stays(visitor):
    page = await visitor.open("/e/sample")
    form = next(f for f in page.forms if f.action == "/settings/switch")
    switched = await visitor.send(form, language="ro")
    assert switched.address == "/e/sample"
    assert 'lang="ro"' in (await visitor.open("/e/sample")).html


async def test_settings_that_there_are_not_are_refused(visitor):
    settings = await visitor.open("/settings")
    for name, value in (("language", "xx"), ("time_zone", "Mars/Base"), ("theme", "pink")):
        answer = await visitor.send(settings.form_to("/settings"), **{name: value})
        assert answer.status == 400


async def test_an_appearance_is_kept_in_a_cookie(visitor):
    settings = await visitor.open("/settings")
    await visitor.send(settings.form_to("/settings"), theme="dark")
    assert 'data-theme="dark"' in (await visitor.open("/")).html
