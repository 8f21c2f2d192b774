"""What a browser calls itself, in a few words: for people who look through their sessions."""

from __future__ import annotations

import re

# The first that fits: most browsers claim to be others too.
_BROWSERS = (
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"(?:OPR|Opera)/(\d+)")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/(\d+)")),
    ("Vivaldi", re.compile(r"Vivaldi/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:HeadlessChrome|Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/")),
)
_SYSTEMS = (
    ("Android", re.compile(r"Android")),
    ("iOS", re.compile(r"iPhone|iPad|iPod")),
    ("Windows", re.compile(r"Windows")),
    ("macOS", re.compile(r"Mac OS X|Macintosh")),
    ("ChromeOS", re.compile(r"CrOS")),
    ("Linux", re.compile(r"Linux|X11")),
)
_LONGEST = 60


def browser_summary(user_agent: str) -> str:
    """Return such as ``Firefox 128, Windows``; what is not known is cut short."""
    text = user_agent[:500]
    system = next((name for name, sign in _SYSTEMS if sign.search(text)), "")
    for name, sign in _BROWSERS:
        if found := sign.search(text):
            return f"{name} {found[1]}, {system}" if system else f"{name} {found[1]}"
    return "".join(c for c in text[:_LONGEST] if c.isprintable()).strip()
