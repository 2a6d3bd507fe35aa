"""Where ``djob`` and ``kubectl djob`` begin: errors become one line and an exit code."""

import os
import sys
from pathlib import Path

import typer
from typer.main import get_command

from distributedjob_cli.app import app
from distributedjob_cli.commands.completion import VARIABLE
from distributedjob_cli.errors import BAD_INPUT, FAILED, INTERRUPTED, CliError
from distributedjob_cli.show.terminal import note
from distributedjob_local.errors import LocalError, RefusedFileError


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv))


def run(argv: list[str]) -> int:
    """Run a command line and return its exit code."""
    program = Path(argv[0]).name if argv else "djob"
    # As a plugin we are called through kubectl, and say so.
    program = "kubectl djob" if program.startswith("kubectl") else "djob"
    if VARIABLE in os.environ:  # A shell asks, by the script that we printed for it.
        from typer._completion_classes import completion_init

        completion_init()
    try:
        code = get_command(app)(argv[1:], prog_name=program, standalone_mode=False)
    except typer.TyperException as error:
        return _fail(program, error.format_message(), BAD_INPUT)
    except CliError as error:
        return _fail(program, str(error), error.code)
    except RefusedFileError as error:
        return _fail(program, str(error), BAD_INPUT)
    except LocalError as error:
        return _fail(program, str(error), FAILED)
    if code == INTERRUPTED:  # So typer says that there was a Ctrl-C.
        return _fail(program, "interrupted", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _fail(program: str, message: str, code: int) -> int:
    if message:  # There is none where the help was shown instead.
        note(f"{program}: {message}")
    return code


if __name__ == "__main__":
    main()
