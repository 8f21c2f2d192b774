"""Paths of properties: steps from an object down to one value, as text and in words."""

from __future__ import annotations

from kartoteka.loading.named_lists import NAMED_LISTS

# Lists of which people do not speak: account.name is the field, not something else of that name.
UNSPOKEN_LISTS = frozenset({
    "branches", "columns", "controls", "entries", "fields", "groups", "privileges", "sections",
    "tabs",
})  # fmt: skip


def join_path(*steps: str) -> str:
    """Return ``entity/account/fields/name/label/en``; a slash in a step is ``~1``, a tilde ``~0``.

    Source: RFC 6901 section 3. A column over a lookup (``primarycontactid/fullname``) is one step.
    """
    return "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)


def split_path(path: str) -> tuple[str, ...]:
    """Return the steps that ``join_path`` was given."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/"))


def item_steps(steps: tuple[str, ...]) -> tuple[str, ...]:
    """Return the innermost item of a named list that holds a property, or ``()``.

    Args:
        steps: With kind and name of the object in front.
    """
    found: tuple[str, ...] = ()
    index = 2
    while index + 1 < len(steps) and steps[index] in NAMED_LISTS:
        index += 2
        found = steps[:index]
    return found


def spoken_name(path: str) -> str:
    """Return what people call a property: ``account.name.label.en``, ``form:account_main.name``."""
    kind, name, *rest = split_path(path)
    object_name = name if kind == "entity" else f"{kind}:{name}"
    item = item_steps((kind, name, *rest))
    listed = {index for index in range(2, len(item), 2) if item[index] in UNSPOKEN_LISTS}
    spoken = [step for index, step in enumerate(rest, 2) if index not in listed]
    return ".".join((object_name, *spoken))
