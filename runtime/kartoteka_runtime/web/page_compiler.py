"""Pages are compiled twice: once a publication and language, then filled once a request.

The first stage writes everything that no request changes (labels, widgets, columns, options,
addresses) into the source of a second template, whose only work is to put values in. First-stage
marks are ``[[ ]]`` and ``[% %]``, second-stage marks are Jinja's own. See decisions/0006.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import jinja2
import markupsafe
from markupsafe import Markup, escape

Facts = Callable[[str], Mapping[str, Any]]


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
        )
        self._first.globals.update(first)
        self._second = jinja2.Environment(
            loader=jinja2.FunctionLoader(self.source),
            finalize=escaped,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
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
    return Markup(str(escape(value)).replace("{", "&#123;"))
