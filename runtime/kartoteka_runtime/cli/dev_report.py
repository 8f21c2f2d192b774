"""DevReport: what the dev server says in the terminal, while the pages say it in the browser."""

from __future__ import annotations

from kartoteka_runtime.cli.console import answers, print_diagnostics, print_error
from kartoteka_runtime.cli.plan_text import describe_plan, summary
from kartoteka_runtime.dev.dev_status import DevStatus, State
from kartoteka_runtime.publishing.plan import Plan


class DevReport:
    """Prints each new status, in few lines."""

    def __init__(self, address: str) -> None:
        """Refer to the server at ``address``."""
        self._address = address
        self._before = DevStatus()

    def __call__(self, status: DevStatus) -> None:
        """Print what is new."""
        before, self._before = self._before, status
        if status.restart_problem and status.restart_problem != before.restart_problem:
            print_error(f"not started again for {status.restart}: {status.restart_problem}")
        elif status.restart and status.restart != before.restart:
            answers.print(f"Start the server again to take up {status.restart}.")
        match status.state:
            case State.MISTAKES:
                print_diagnostics([one.diagnostic for one in status.mistakes])
            case State.FAILED:
                print_error(status.problem)
            case State.HELD if status.plan is not None and not status.is_postponed:
                _print_plan(status.plan)
                answers.print(f"Not published: {self._address}/dev/status asks whether to.")
            case State.LIVE if status.plan is not None:
                _print_plan(status.plan)
                answers.print(f"Published {status.number} in {status.seconds:.1f} s.")
                if status.number == 1:
                    answers.print(
                        "Nobody can sign in yet: "
                        "`kartoteka user add NAME --role system_administrator` adds somebody."
                    )
            case State.LIVE if before.state is not State.LIVE:
                answers.print(f"Publication {status.number} is what the files say.")


def _print_plan(plan: Plan) -> None:
    for line in describe_plan(plan):
        answers.print(line)
    if not plan.is_additive:
        answers.print(summary(plan))
