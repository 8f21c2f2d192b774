"""The paging cookie of FetchXML: XML inside of XML, encoded twice, as its clients take it apart.

Source: reference web-api, section 7. The outer element tells the number of the next page; decoded
twice, its ``pagingcookie`` is a cookie whose first attribute is the number of the page that was
read. A client sends that inner cookie back, beside the next page's number.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr

from kartoteka.query.query_error import QueryError
from kartoteka.query.xml_elements import Element, read_xml

PART = "paging-cookie"
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class PagingCookie:
    """What a client sends back: the page it has read, and the token of what comes after it."""

    page: int
    token: str


def write_cookie(page: int, token: str) -> str:
    """Return the annotation's value after page ``page``, whose following rows ``token`` finds."""
    inner = f'<cookie page="{page}"><after token={quoteattr(token)} /></cookie>'
    twice = _lower(quote(_lower(quote(inner, safe="")), safe=""))
    return f'<cookie pagenumber="{page + 1}" pagingcookie="{twice}" istracking="False" />'


def read_cookie(text: str) -> PagingCookie:
    """Return what a cookie says: the inner one, also encoded still, or the whole annotation.

    Raises:
        QueryError: It is none of ours.
    """
    element = _cookie(text)
    if "pagingcookie" in element.attributes:
        element = _cookie(element.attributes["pagingcookie"])
    page = element.attributes.get("page", "")
    token = element.children[0].attributes.get("token", "") if element.children else ""
    is_number = page.isascii() and page.isdigit() and len(page) <= _MOST_DIGITS
    if element.name != "cookie" or not is_number or int(page) < 1 or not token:
        raise QueryError("this is no paging cookie of this service", part=PART)
    return PagingCookie(int(page), token)


def _cookie(text: str) -> Element:
    for _ in range(2):
        if text.lstrip()[:1] != "<" and "%" in text:
            text = unquote(text)
    return read_xml(text.strip(), PART)


def _lower(text: str) -> str:
    """Return percent escapes in lower case, as the reference writes them."""
    parts = text.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])
