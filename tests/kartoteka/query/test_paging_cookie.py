"""Paging cookies: the form that clients take apart, and what they send back."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from kartoteka.query.paging_cookie import PagingCookie, read_cookie, write_cookie
from kartoteka.query.query_error import QueryError


def test_a_cookie_is_written_as_clients_take_it_apart():
    cookie = write_cookie(1, "ab-_9")
    assert cookie == (
        '<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%253e%253cafter'
        '%2520token%253d%2522ab-_9%2522%2520%252f%253e%253c%252fcookie%253e" '
        'istracking="False" />'
    )
    (encoded,) = re.findall('pagingcookie="([^"]+)"', cookie)
    inner = unquote(unquote(encoded))
    assert re.findall(r'<cookie page="(\d+)".+</cookie>', inner) == ["1"]
    for text in (inner, encoded, unquote(encoded), cookie, f" {inner}\n"):
        assert read_cookie(text) == PagingCookie(1, "ab-_9")


def test_what_is_no_cookie_is_refused():
    for text in (
        "", "x", "%", "%25", "<cookie/>", "<cookie page='1'/>",
        "<cookie page='x'><a token='t'/></cookie>",
        "<cookie page='0'><a token='t'/></cookie>", "<cookie page='1'><a/></cookie>",
        "<other page='1'><a token='t'/></other>", "<cookie page='1'>", "<cookie pagingcookie='x'/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><cookie page='1'><a token='&b;'/></cookie>",
        "<cookie page='" + "9" * 40 + "'><a token='t'/></cookie>", "x" * 200_000,
    ):  # fmt: skip
        with pytest.raises(QueryError):
            read_cookie(text)
