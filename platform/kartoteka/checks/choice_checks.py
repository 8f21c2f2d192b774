"""Rules about choices that fields share."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.field_checks import check_option_values
from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic


def check_choices(scope: Scope) -> Iterator[Diagnostic]:
    """Yield what is wrong with shared choices."""
    for name, content in scope.tree.of_kind("choice").items():
        if not content.get("options") and "options" not in content.damaged:
            yield Diagnostic(
                content.at("options"), "choice/no-options", f'the choice "{name}" has no options'
            )
        yield from check_option_values(content)
