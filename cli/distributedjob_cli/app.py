"""The tree of commands."""

from collections import UserDict
from importlib import import_module
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from distributedjob_cli.quick import QuickCommand, QuickGroup

HELP: Final = """Distributed jobs: a great many short tasks on the nodes of a cluster.

A first try, on a cluster of this machine's own:

\b
  djob local up
  djob submit --array 0-999 --progress -- sh -c 'echo $DJOB_INDEX'
  djob list
"""

VERBS: Final = {
    "submit": "submit:submit EXAMPLES",
    "list": "listing:list_jobs EXAMPLES",
    "get": "listing:get GET_EXAMPLES",
    "watch": "watching:watch EXAMPLES",
    "wait": "watching:wait WAIT_EXAMPLES",
    "output": "output:output EXAMPLES",
    "logs": "logs:logs EXAMPLES",
    "tasks": "tasks:tasks EXAMPLES",
    "failures": "failures:failures EXAMPLES",
    "why": "why:why EXAMPLES",
    "cancel": "changing:cancel CANCEL_EXAMPLES",
    "suspend": "changing:suspend SUSPEND_EXAMPLES",
    "resume": "changing:resume RESUME_EXAMPLES",
    "rerun": "changing:rerun RERUN_EXAMPLES",
    "nodes": "nodes:nodes EXAMPLES",
    "top": "top:top EXAMPLES",
    "convert": "convert:convert",
    "completion": "completion:completion EXAMPLES",
}
"""Each with its module, its function and its examples: it is imported when it is called."""

LOCAL: Final = "local"
_ELSEWHERE: Final = frozenset({"convert", "completion"})
"""Verbs that ask no cluster."""

_BARE: Final[dict[str, Any]] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    # Plain help, as kubectl's: the other one takes as long as all the rest of the start.
    "rich_markup_mode": None,
}


class _Commands(UserDict[str, TyperCommand | TyperGroup | None]):
    """The commands by name, each made when it is asked for."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup | None:
        if self.data[name] is None:
            self.data[name] = _local() if name == LOCAL else _verb(name)
        return self.data[name]


class Verbs(QuickGroup):
    """All of them, of which a command line needs one."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        known = _Commands(dict.fromkeys([*VERBS, LOCAL]))
        self.commands = known  # type: ignore[assignment]


def _verb(name: str) -> TyperCommand:
    place, _, examples = VERBS[name].partition(" ")
    module_name, _, function = place.partition(":")
    module = import_module(f"distributedjob_cli.commands.{module_name}")
    called = getattr(module, function)
    if name not in _ELSEWHERE:
        from distributedjob_cli.target import targeted

        called = targeted(called)
    alone = typer.Typer(**_BARE)
    epilog = getattr(module, examples) if examples else None
    alone.command(name, cls=QuickCommand, epilog=epilog)(called)
    return cast("TyperCommand", get_command(alone))


def _local() -> TyperGroup:
    from distributedjob_local.command import app as local

    holder = typer.Typer(**_BARE)
    holder.add_typer(local, name=LOCAL, no_args_is_help=True)
    return cast("TyperGroup", get_group(holder).commands[LOCAL])


app = typer.Typer(
    cls=Verbs,
    help=HELP,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    **_BARE,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        # Slow to import, and for this alone.
        from importlib.metadata import version

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
