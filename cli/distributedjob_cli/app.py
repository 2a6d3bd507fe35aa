"""The tree of commands."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer

from distributedjob_cli.commands import (
    changing,
    completion,
    failures,
    listing,
    logs,
    nodes,
    output,
    submit,
    tasks,
    top,
    watching,
    why,
)
from distributedjob_cli.commands.convert import convert
from distributedjob_cli.target import targeted
from distributedjob_local.command import app as local

HELP: Final = """Distributed jobs: a great many short tasks on the nodes of a cluster.

A first try, on a cluster of this machine's own:

\b
  djob local up
  djob submit --array 0-999 --progress -- sh -c 'echo $DJOB_INDEX'
  djob list
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help, as kubectl's: the other one takes as long as all the rest of the start.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_VERBS: Final[tuple[tuple[str, Callable[..., Any], str], ...]] = (
    ("submit", submit.submit, submit.EXAMPLES),
    ("list", listing.list_jobs, listing.EXAMPLES),
    ("get", listing.get, listing.GET_EXAMPLES),
    ("watch", watching.watch, watching.EXAMPLES),
    ("wait", watching.wait, watching.WAIT_EXAMPLES),
    ("output", output.output, output.EXAMPLES),
    ("logs", logs.logs, logs.EXAMPLES),
    ("tasks", tasks.tasks, tasks.EXAMPLES),
    ("failures", failures.failures, failures.EXAMPLES),
    ("why", why.why, why.EXAMPLES),
    ("cancel", changing.cancel, changing.CANCEL_EXAMPLES),
    ("suspend", changing.suspend, changing.SUSPEND_EXAMPLES),
    ("resume", changing.resume, changing.RESUME_EXAMPLES),
    ("rerun", changing.rerun, changing.RERUN_EXAMPLES),
    ("nodes", nodes.nodes, nodes.EXAMPLES),
    ("top", top.top, top.EXAMPLES),
)

for _name, _verb, _examples in _VERBS:
    app.command(_name, epilog=_examples)(targeted(_verb))
app.command()(convert)
app.add_typer(local, name="local", no_args_is_help=True)
app.command(epilog=completion.EXAMPLES)(completion.completion)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(version("distributedjobs"))
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass
