"""Metadata documents as people write them: any order, any style, comments anywhere."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXTS = st.one_of(
    st.sampled_from(
        [
            "Firma",
            "no",
            "on",
            "Yes",
            "null",
            "~",
            "true",
            "12",
            "1.50",
            "0x1F",
            "1e3",
            ".5",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#x",
            " lead",
            "trail ",
            "it's",
            'say "x"',
            "{entity:boat} name",
            "[x]",
            "a, b",
            "line one\nline two",
            "line one\n\n  deeper\nlast\n",
            "\n",
            "tab\there",
            "ąęółń",
            "日本語",
            "back\\slash",
            "ends:",
            "?",
            "? a",
            "@at",
            "`tick",
            "%p",
            "!t",
            "&a",
            "*a",
            "|",
            ">",
            "'quoted'",
            "---",
            "...",
            "=",
            "<<",
            "a\u2028b",
            "nbsp\u00a0",
            "x" * 120,
            "::",
            ":a",
            "012",
            "2001-01-01",
            "a\r\nb",
            "\u0085",
            "text\n# no comment",
            "\ufeffx",
        ]
    ),  # fmt: skip
    st.text(
        st.characters(
            codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"], include_characters="\n\t"
        ),
        min_size=1,
        max_size=30,
    ),
)
_NAMES = st.from_regex(r"[a-z]{1,6}(_[a-z0-9]{1,4}){0,2}", fullmatch=True)
LABELS = st.dictionaries(
    st.sampled_from(["en", "pl", "pt", "pt-BR", "sl"]), TEXTS, min_size=1, max_size=3
)


def _named(extra: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"name": _NAMES, **extra}, optional=optional)


def _list(items: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=least, max_size=3, unique_by=str)


_OPTION = _named({"value": st.integers(0, 99)}, {"label": LABELS, "color": st.just("#aabbcc")})
_FIELD = _named(
    {"type": st.sampled_from(["text", "choice", "lookup"])},
    {
        "label": LABELS, "help": LABELS, "required": st.sampled_from([True, "on_form"]),
        "unique": st.just(True), "max_length": st.integers(101, 4000), "separator": st.just("\n"),
        "options": _list(_OPTION, 1), "min": st.sampled_from([0, -5, 7]),
        "targets": _list(_NAMES, 1),
    },
)  # fmt: skip
ENTITIES = st.fixed_dictionaries(
    {"kind": st.just("entity"), "format": st.just(1), "name": _NAMES},
    optional={
        "label": LABELS, "plural_label": LABELS, "help": LABELS, "primary_field": _NAMES,
        "features": _list(st.sampled_from(["audit", "notes", "queues"]), 1),
        "fields": _list(_FIELD, 1),
        "keys": _list(_named({"fields": _list(_NAMES, 1)}, {"label": LABELS}), 1),
    },
)  # fmt: skip
_CONTROL = st.one_of(
    _NAMES,
    st.fixed_dictionaries(
        {"field": _NAMES}, optional={"label": LABELS, "width": st.integers(2, 4)}
    ),
)
_SECTION = _named({"controls": _list(_CONTROL, 1)}, {"label": LABELS})
FORMS = st.fixed_dictionaries(
    {
        "kind": st.just("form"), "format": st.just(1), "name": _NAMES, "entity": _NAMES,
        "type": st.just("main"),
        "tabs": _list(_named({"sections": _list(_SECTION, 1)}, {"label": LABELS}), 1),
    },
    optional={"header": _list(_NAMES, 1), "order": st.integers(0, 99)},
)  # fmt: skip
_LANGUAGE_TEXTS = st.dictionaries(_NAMES, TEXTS, min_size=1, max_size=4)
LABEL_DOCUMENTS = st.fixed_dictionaries(
    {"kind": st.just("labels"), "format": st.just(1), "name": _NAMES, "language": st.just("pl")},
    optional={
        "messages": _LANGUAGE_TEXTS,
        "entities": st.dictionaries(
            _NAMES,
            st.fixed_dictionaries({}, optional={"label": TEXTS, "fields": _LANGUAGE_TEXTS}),
            max_size=2,
        ).map(lambda found: {key: value for key, value in found.items() if value}),
    },
)
DOCUMENTS = st.one_of(ENTITIES, FORMS, LABEL_DOCUMENTS).map(
    lambda found: {key: value for key, value in found.items() if value != {}}
)


class Writer:
    """Writes a document in a style that ``draw`` decides, and counts the comments it adds."""

    def __init__(self, draw: Any, *, in_order: bool = False) -> None:
        self._draw = draw
        self._in_order = in_order
        self.comments: list[str] = []
        self._is_after_literal = False  # a comment further right would be a part of it

    def document(self, value: dict[str, Any]) -> str:
        lines = ["---"] if self._chance(10) else []
        return "\n".join([*self._above(0), *lines, *self._map(value, 0), *self._above(0), ""])

    def _chance(self, one_in: int) -> bool:
        return bool(self._draw(st.integers(1, one_in)) == one_in)

    def _comment(self) -> str:
        self.comments.append(f"# note {len(self.comments)}: 'x' {{")
        return self.comments[-1]

    def _behind(self) -> str:
        return f"{' ' * self._draw(st.integers(1, 20))}{self._comment()}" if self._chance(8) else ""

    def _above(self, indent: int) -> list[str]:
        found = [""] * self._draw(st.sampled_from([0, 0, 0, 0, 1, 2]))
        if self._chance(8):
            shift = 0 if self._is_after_literal else self._draw(st.sampled_from([0, 0, -2, 2, 4]))
            column = max(0, indent + shift)
            found += [" " * column + self._comment()]
            found += [""] * self._draw(st.sampled_from([0, 0, 1]))
        return found

    def _map(self, value: dict[str, Any], indent: int) -> list[str]:
        keys = list(value) if self._in_order else self._draw(st.permutations(list(value)))
        lines: list[str] = []
        for key in keys:
            lines += self._above(indent) if lines else []
            lines += self._pair(key, value[key], indent)
        return lines

    def _pair(self, key: str, value: Any, indent: int) -> list[str]:
        begin = f"{' ' * indent}{key}:"
        if isinstance(value, (dict, list)) and value and not self._is_flow(value):
            step = self._draw(st.integers(1, 4))
            if isinstance(value, list):
                inner = self._list(value, indent + self._draw(st.sampled_from([0, step])))
                first = len(inner[0]) - len(inner[0].lstrip())
            else:
                inner, first = self._map(value, indent + step), indent + step
            return [begin + self._behind(), *self._above(first), *inner]
        return [*self._value(f"{begin} ", value, indent)]

    def _list(self, value: list[Any], indent: int) -> list[str]:
        lines: list[str] = []
        for item in value:
            lines += self._above(indent) if lines else []
            if isinstance(item, dict) and not self._is_flow(item):
                inner = self._map(item, indent + 2)
                lines += [f"{' ' * indent}- {inner[0].lstrip()}", *inner[1:]]
            else:
                lines += self._value(f"{' ' * indent}- ", item, indent)
        return lines

    def _is_flow(self, value: Any) -> bool:
        return not isinstance(value, (dict, list)) or not value or self._chance(3)

    def _value(self, begin: str, value: Any, indent: int) -> list[str]:
        self._is_after_literal = False
        if isinstance(value, (dict, list)):
            return self._flow(begin, value, indent)
        if isinstance(value, str) and _fits_literal(value) and self._chance(3):
            self._is_after_literal = True
            mark = "|" if value.endswith("\n") else "|-"
            space = " " * (indent + self._draw(st.integers(1, 4)))
            body = [
                f"{space}{line}" if line else "" for line in value.removesuffix("\n").split("\n")
            ]
            return [begin + mark + self._behind(), *body]
        return [begin + self._scalar(value) + self._behind()]

    def _flow(self, begin: str, value: Any, indent: int) -> list[str]:
        if not self._chance(3) or not value:
            return [begin + self._one_line(value) + self._behind()]
        space = " " * (indent + 4)
        is_map = isinstance(value, dict)
        lines = [begin + ("{" if is_map else "[") + self._behind()]
        for item in value.items() if is_map else value:
            written = f"{item[0]}: {self._one_line(item[1])}" if is_map else self._one_line(item)
            lines += [*self._above(indent + 4), f"{space}{written},{self._behind()}"]
        return [
            *lines,
            *self._above(indent + 4),
            f"{space}{'}' if is_map else ']'}{self._behind()}",
        ]

    def _one_line(self, value: Any) -> str:
        if isinstance(value, dict):
            inner = ", ".join(f"{key}: {self._one_line(item)}" for key, item in value.items())
            return f"{{{inner}}}"
        if isinstance(value, list):
            return f"[{', '.join(self._one_line(item) for item in value)}]"
        return self._scalar(value)

    def _scalar(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, str):
            return str(value)
        if value.replace("_", "").isalnum() and value.isascii() and value[0].isalpha():
            if value not in ("true", "false", "null") and self._chance(2):
                return value
        if "'" not in value and value.isprintable() and self._chance(2):
            return f"'{value}'"
        return '"' + "".join(
            character if character.isprintable() and character not in '"\\' and character.isascii()
            else f"\\U{ord(character):08x}" for character in value
        ) + '"'  # fmt: skip


def _fits_literal(value: str) -> bool:
    lines = value.removesuffix("\n").split("\n")
    return (
        all(line.isprintable() for line in lines)
        and lines[0].strip() != "" and lines[-1].strip() != ""
        and not lines[0].startswith(" ")
        and all(not line or line.strip() for line in lines)
    )  # fmt: skip
