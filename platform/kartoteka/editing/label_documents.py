"""Where labels documents say the texts of other documents: of a path, and of all below a member."""

from __future__ import annotations

_SECTIONS = {
    "choice": "choices", "entity": "entities", "form": "forms", "navigation": "navigation",
    "relationship": "relationships", "rule": "rules",
}  # fmt: skip
# Of an entity's lists: which section of its texts has which text of a member.
_MEMBER_TEXTS = {
    ("fields", "label"): "fields", ("fields", "help"): "field_help", ("keys", "label"): "keys",
    ("states", "label"): "states", ("commands", "label"): "commands",
    ("commands", "help"): "command_help", ("commands", "confirm"): "command_confirm",
}  # fmt: skip
_PARTS = frozenset({
    "controls", "entries", "groups", "options", "reasons", "sections", "tabs",
})  # fmt: skip


def text_path(kind: str, name: str, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Return the language and the path in its labels document, or None when a path is no text."""
    if len(path) < 2:
        return None
    *outer, key, language = path
    if kind in ("column_profile", "role", "view"):
        section = f"{kind}_help" if key == "help" else f"{kind}s"
        return (language, (section, name)) if not outer and key in ("label", "help") else None
    if kind not in _SECTIONS:
        return None
    inside = _inside(kind, outer, key)
    return (language, (_SECTIONS[kind], name, *inside)) if inside is not None else None


def member_paths(kind: str, name: str, path: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the paths in labels documents below which the texts of an object or member stand.

    Empty for what has none, or whose texts go with those of something around it.
    """
    if not path:
        return ((_SECTIONS.get(kind, f"{kind}s"), name), (f"{kind}_help", name))
    if kind == "entity" and len(path) == 2:
        sections = [found for (listed, _), found in _MEMBER_TEXTS.items() if listed == path[0]]
        if path[0] == "fields":
            sections.append("options")
        return tuple(("entities", name, section, path[1]) for section in sections)
    if kind == "entity" and len(path) == 4 and path[0] == "fields" and path[2] == "options":
        return (("entities", name, "options", path[1], path[3]),)
    if kind == "choice" and len(path) == 2:
        return (("choices", name, "options", path[1]),)
    return ()


def _inside(kind: str, outer: list[str], key: str) -> tuple[str, ...] | None:
    """Return the path among the texts of one object."""
    if not outer:
        return (key,) if key.endswith("label") or key == "help" else None
    if len(outer) % 2:
        return None
    listed, member = outer[-2:]
    if kind == "entity" and len(outer) == 2:
        if listed == "fields" and key in ("true_label", "false_label"):
            return ("options", member, key.removesuffix("_label"))
        section = _MEMBER_TEXTS.get((listed, key))
        return (section, member) if section else None
    if key != "label" or listed not in _PARTS:
        return None
    if kind == "entity" and listed == "options" and outer[0] == "fields" and len(outer) == 4:
        return ("options", outer[1], member)
    if kind == "entity" and listed != "reasons":
        return None
    return (listed, member)
