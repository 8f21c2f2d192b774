"""Pages are compiled twice: once a publication and language, then filled once a request.

The first stage writes everything that no request changes (labels, widgets, columns, options,
addresses) into the source of a second template, whose only work is to put values in. First-stage
marks are ``[[ ]]`` and ``[% %]``, second-stage marks are Jinja's own. See decisions/0006.
"""

from __future__ import annotations

import html
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any
from urllib.parse import parse_qsl

import jinja2
import markupsafe
from markupsafe import Markup, escape

Facts = Callable[[str], Mapping[str, Any]]

_KEPT = 512  # templates whose code is known, of each stage


class KnownCode(jinja2.BytecodeCache):
    """Code that was made of a source before: most pages of the next publication are the same."""

    def __init__(self, most: int) -> None:
        """Keep the code of ``most`` sources, those that were asked for last."""
        self._most = most
        self._code: OrderedDict[tuple[str, str], CodeType] = OrderedDict()

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Give the code of a source, if it is known."""
        code = self._code.pop((bucket.key, bucket.checksum), None)
        if code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code = code

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Keep the code of a source."""
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code
        while len(self._code) > self._most:
            self._code.popitem(last=False)


# What is compiled depends on the source and on the settings below, which are always the same.
_FIRST_CODE = KnownCode(_KEPT)
_SECOND_CODE = KnownCode(_KEPT)


class PageCompiler:
    """The templates of one publication in one language.

    A template is named by its file and by what it is compiled for:
    ``pages/record.html?form=account_main&mode=edit``. ``facts`` makes, for each key, what the first
    stage knows: ``facts["form"]("account_main")`` returns ``{"form": FormModel, …}``.
    """

    def __init__(
        self,
        files: jinja2.BaseLoader,
        *,
        facts: Mapping[str, Facts],
        first: Mapping[str, Any],
        second: Mapping[str, Any],
        filters: Mapping[str, Callable[[Any], Any]],
    ) -> None:
        """Keep what both stages know: their global names, and the filters of the second."""
        self._facts = facts
        self._first = jinja2.Environment(
            loader=files,
            block_start_string="[%",
            block_end_string="%]",
            variable_start_string="[[",
            variable_end_string="]]",
            comment_start_string="[#",
            comment_end_string="#]",
            autoescape=True,
            finalize=_to_source,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_FIRST_CODE,
        )
        self._first.globals.update(first)
        self._second = jinja2.Environment(  # noqa: S701 - escaped by ``finalize``, every value
            loader=jinja2.FunctionLoader(self.source),
            finalize=escaped,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            bytecode_cache=_SECOND_CODE,
        )
        self._second.globals.update(second)
        self._second.filters.update(filters)
        self._templates: dict[str, jinja2.Template] = {}

    def template(self, name: str) -> jinja2.Template:
        """Return a template that a request only fills, compiling it when it is new."""
        template = self._templates.get(name)
        if template is None:
            template = self._templates[name] = self._second.get_template(name)
        return template

    def source(self, name: str) -> str:
        """Return the source of the second stage: what the first one wrote."""
        file, _, about = name.partition("?")
        known: dict[str, Any] = {"compiled_as": name}
        for key, value in parse_qsl(about, keep_blank_values=True):
            known.update(self._facts[key](value))
        return self._first.get_template(file).render(known)


# The function that ``markupsafe.escape`` calls and whose result it wraps: the wrapping costs eight
# times as much as the escaping, and nothing reads the wrapper.
_escape: Callable[[str], str] = getattr(markupsafe, "_escape_inner", html.escape)


def escaped(value: Any) -> str:
    """Return a value as it is written into a page; this is the second stage's autoescape."""
    if value.__class__ is str:
        return _escape(value)
    return value if isinstance(value, Markup) else _escape(str(value))


def _to_source(value: Any) -> Any:
    """Return what the first stage may write: escaped, and with no mark of the second stage.

    A label such as ``{{ secret }}`` stays a label.
    """
    if isinstance(value, Markup):
        return value
    return Markup(str(escape(value)).replace("{", "&#123;"))  # noqa: S704 - escaped just now
