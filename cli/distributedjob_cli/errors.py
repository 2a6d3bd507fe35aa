"""What can go wrong, each as one line that says what to do, and the exit codes."""

from typing import Final

OK: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
MISSING: Final = 3
"""Everything kept was printed, but not every task with an outcome has a record."""
NOT_COMPLETE: Final = 4
"""The job that was waited for is over and not Complete."""
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
"""As a shell shows a program that SIGPIPE ended."""


class CliError(Exception):
    """The text is the whole message; nobody shows a traceback of it."""

    code: int = FAILED


class UsageError(CliError):
    """What the user wrote cannot be meant."""

    code = BAD_INPUT
