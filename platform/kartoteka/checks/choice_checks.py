"""Rules about choices that fields share."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.field_checks import check_option_values
from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic


def check_choice(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a shared choice."""
    content = scope.content("choice", name)
    if not content.get("options") and "options" not in content.damaged:
        yield Diagnostic(
            content.at("options"), "choice/no-options", f'the choice "{name}" has no options'
        )
    yield from check_option_values(content)
