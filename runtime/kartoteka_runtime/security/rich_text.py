"""HTML that people write or mails bring: what is left of it once nothing in it can do harm.

Cleaned when it is written, and once more when it is shown: what lies in the database may have come
another way.
"""

from __future__ import annotations

import nh3

_TAGS = frozenset(
    "a abbr b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li "
    "ol p pre q s samp small span strong sub sup table tbody td tfoot th thead tr u ul".split()
)
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_SCHEMES = frozenset({"https", "http", "mailto", "tel"})
_WITHOUT_CONTENT = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg"})


def clean_html(text: str) -> str:
    """Return HTML with harmless elements and attributes alone, well formed.

    No scripts, styles, forms, frames or handlers; links open without a way back to this page. No
    picture is loaded from elsewhere, which would tell its sender who reads: of pictures the text
    instead of them is left unless they lie here.
    """
    return nh3.clean(
        text,
        tags=set(_TAGS),
        clean_content_tags=set(_WITHOUT_CONTENT),
        attributes={name: set(found) for name, found in _ATTRIBUTES.items()},
        attribute_filter=_attribute,
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _attribute(element: str, name: str, value: str) -> str | None:
    """Return an attribute's value; None leaves the attribute out."""
    if element == "img" and name == "src":
        is_ours = value.startswith("/") and not value.startswith(("//", "/\\"))
        return value if is_ours and value.isprintable() else None
    return value
