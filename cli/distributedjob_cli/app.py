"""The tree of commands."""

from importlib.metadata import version
from typing import Annotated

import typer

from distributedjob_cli.commands.convert import convert
from distributedjob_cli.commands.output import output
from distributedjob_local.command import app as local

app = typer.Typer(
    help="Distributed jobs: a great many short tasks on the nodes of a cluster.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(convert)
app.command()(output)
app.add_typer(local, name="local", no_args_is_help=True)


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
