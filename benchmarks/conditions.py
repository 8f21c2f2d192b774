"""How long a condition takes on one record: ``python -m benchmarks.conditions``.

Each line is a condition and the fastest of several rounds, in microseconds an evaluation, and the
time it takes to compile it once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from timeit import repeat

from kartoteka.assembly import assemble, load_bundles
from kartoteka.base_metadata import base_folder
from kartoteka.conditions.asker import Asker
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.compile_closure import compile_closure
from kartoteka.conditions.parser import parse
from kartoteka.record_values import Reference

ROUNDS = 7
CALLS = 20_000
ME = "0190a000-0000-7000-8000-00000000000d"

RECORD = {
    "name": "Alpine Ski House",
    "numberofemployees": 5,
    "revenue": Decimal("12500.50"),
    "industrycode": 1,
    "statecode": 0,
    "ownerid": Reference("systemuser", ME),
    "createdon": datetime(2031, 5, 14, 12, tzinfo=UTC),
    "contact_customer_accounts": [{"firstname": name, "statecode": 0} for name in ("Ann", "Bo")],
}
CONDITIONS = (
    "statecode eq 'active'",
    "statecode eq 'active' and numberofemployees gt 3 and ownerid eq me()",
    "contains(name,'zzz') or numberofemployees lt 5 or revenue ge 12500",
    "startswith(name,'alp') and not (revenue eq null) and numberofemployees in (1,2,5)",
    "LastXDays(createdon,7) and statecode eq 'active' and numberofemployees gt 3",
    "revenue div 2 gt 6000 and length(name) gt 3 and statecode eq 'active'",
    "contact_customer_accounts/any(c:c/firstname eq 'Bo') and statecode eq 'active'",
)


def main() -> None:
    """Print a line a condition."""
    registry = assemble(load_bundles([base_folder()]), command_handlers=None, panels=None)
    asker = Asker(user_id=ME, now=datetime(2031, 5, 16, tzinfo=UTC))
    print(f"{'µs':>6} {'compile':>8}  condition")
    for text in CONDITIONS:
        typed = check_condition(parse(text), registry, "account")
        closure = compile_closure(typed)
        assert closure(RECORD, asker), text
        once = _fastest(partial(closure, RECORD, asker), CALLS)
        compiled = _fastest(partial(compile_closure, typed), 20)
        print(f"{once * 1e6:6.2f} {compiled * 1e6:8.0f}  {text}")


def _fastest(call: Callable[[], object], calls: int) -> float:
    return min(repeat(call, number=calls, repeat=ROUNDS)) / calls


if __name__ == "__main__":
    main()
