"""``djob completion SHELL``: scripts for shells."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from distributedjob_cli.show import terminal

EXAMPLES = """Examples:

\b
  source <(djob completion bash)
  djob completion zsh > "${fpath[1]}/_djob"
  djob completion fish > ~/.config/fish/completions/djob.fish
\b
For `kubectl djob`, kubectl runs kubectl_complete-djob, which is installed beside it.
"""

VARIABLE: Final = "_DJOB_COMPLETE"


class Shell(StrEnum):
    """A shell that there is a script for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="The shell.")]) -> None:
    """Print a completion script for a shell.

    It completes verbs, options and the names of jobs.
    """
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name="djob", complete_var=VARIABLE, shell=shell.value)
    terminal.write(f"{script}\n")
