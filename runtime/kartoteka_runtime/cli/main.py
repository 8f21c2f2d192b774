"""The `kartoteka` command: its subcommands, and how an error ends one.

Exit status: 0 done, 1 the answer is no (diagnostics, a refused publish, a server that cannot
start), 2 wrong use.
"""

from __future__ import annotations

import logging
import sys

import typer

from kartoteka.errors import KartotekaError, MetadataError
from kartoteka_runtime.cli.access import access
from kartoteka_runtime.cli.check import check
from kartoteka_runtime.cli.console import print_diagnostics, print_error
from kartoteka_runtime.cli.demo import demo
from kartoteka_runtime.cli.explain import explain_command
from kartoteka_runtime.cli.export import export
from kartoteka_runtime.cli.fmt import fmt
from kartoteka_runtime.cli.jobs import jobs
from kartoteka_runtime.cli.new import new
from kartoteka_runtime.cli.plan import plan
from kartoteka_runtime.cli.publish import publish
from kartoteka_runtime.cli.purge import purge
from kartoteka_runtime.cli.registry import registry
from kartoteka_runtime.cli.rename import rename
from kartoteka_runtime.cli.rollback import history, rollback
from kartoteka_runtime.cli.schemas import schemas
from kartoteka_runtime.cli.serve import serve
from kartoteka_runtime.cli.services import service
from kartoteka_runtime.cli.tokens import token
from kartoteka_runtime.cli.user import user
from kartoteka_runtime.cli.webhook import webhook
from kartoteka_runtime.cli.worker import worker

app = typer.Typer(
    name="kartoteka",
    help="Declare record types in YAML; get tables, forms, lists and an API.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(new, name="new")
app.command()(check)
app.command()(access)
app.command()(registry)
app.command("explain")(explain_command)
app.command()(fmt)
app.command()(plan)
app.command()(publish)
app.command()(rollback)
app.command()(history)
app.command()(purge)
app.command()(rename)
app.command()(export)
app.command()(schemas)
app.command()(serve)
app.command()(worker)
app.add_typer(jobs, name="jobs")
app.add_typer(user, name="user")
app.add_typer(token, name="token")
app.add_typer(service, name="service")
app.add_typer(webhook, name="webhook")
app.command()(demo)


def main() -> None:
    """Run the command line; errors that a person can mend end in one clear message."""
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # each try; the error says it once
    try:
        app()
    except MetadataError as error:
        print_diagnostics(error.diagnostics)
        sys.exit(1)
    except KartotekaError as error:
        print_error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
