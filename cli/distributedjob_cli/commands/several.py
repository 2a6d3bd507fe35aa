"""Several names on one command line: an error with one of them holds up no other."""

from collections.abc import Iterator
from contextlib import contextmanager

from distributedjob_cli.errors import CliError
from distributedjob_cli.show.terminal import note


class Several:
    """So many things to do, as kubectl does them: all of them, and exit code 1 for an error."""

    def __init__(self, program: str, number: int) -> None:
        self._program, self._number = program, number
        self._failed = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """One of them; of several, what goes wrong is said at once."""
        try:
            yield
        except CliError as error:
            if self._number == 1:
                raise
            if message := str(error):
                note(f"{self._program}: {message}")
            self._failed = True

    def end(self) -> None:
        """Raise :class:`CliError` without words where something went wrong."""
        if self._failed:
            raise CliError
