"""HTML of others comes out harmless, and stays as it was where it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kartoteka_runtime.security.rich_text import clean_html

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<math><mtext><table><mglyph><style><!--</style>"
    "<img title='--&gt;&lt;img src=1 onerror=1&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<form action=//evil><input name=password></form>",
    "<style>@import '//evil'</style><p style='background:url(//evil)'>x</p>",
    "<base href=//evil><meta http-equiv=refresh content='0;url=//evil'>",
    "<p id=token class=k-form data-k-open onclick=alert(1)>x</p>",
    "<img src='//evil/pixel.gif'><img src='https://evil/pixel.gif'><img src='/\\evil'>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
]
HARMFUL = ("<script", "<svg", "<iframe", "<form", "<input", "<style", "<base", "<meta", "<math")


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_an_attack_is_left(attack):
    cleaned = clean_html(attack).lower()
    assert not any(part in cleaned for part in HARMFUL)
    for part in ("javascript:", "data:", "evil", "onerror=", "onclick=", "style=", "class=", "id="):
        assert part not in cleaned.replace("&lt;img src=1 onerror=1&gt;", "")


def test_what_people_write_stays():
    text = '<p>Dear <b>Ann</b>,</p><ul><li>one</li></ul><img src="/files/1" alt="us">'
    assert clean_html(text) == text
    link = clean_html('<a href="https://example.org/?a=1&amp;b=2">there</a>')
    assert 'href="https://example.org/?a=1&amp;b=2"' in link and "noopener" in link


@given(st.lists(st.sampled_from([*"<>&'\"/= !-ap", *ATTACKS, "<b>", "</p>", "\x00"]), max_size=12))
def test_cleaning_twice_changes_nothing_more(parts):
    cleaned = clean_html("".join(parts))
    assert clean_html(cleaned) == cleaned
    assert not any(part in cleaned.lower() for part in HARMFUL)
