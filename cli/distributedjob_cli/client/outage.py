"""How long a command that follows something bears with servers that do not answer."""

import time
from typing import Final

from distributedjob_cli.client.http import EndpointError
from distributedjob_cli.show.terminal import note

FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 10.0
OUTAGE_SECONDS: Final = 300.0
"""A rolling update of a control plane, or of the operator with all its nodes, is over by then."""


class Outage:
    """The pauses of one outage, which double, and its end."""

    def __init__(self) -> None:
        self._pause, self._began = 0.0, 0.0

    @property
    def goes_on(self) -> bool:
        """Whether there is one."""
        return self._pause > 0

    def over(self) -> None:
        """All is well again."""
        self._pause = 0.0

    def pause(self, now: float) -> float:
        """Seconds to the next attempt, at a moment; 0 once it has lasted too long."""
        if not self.goes_on:
            self._pause, self._began = FIRST_SECONDS, now
            return self._pause
        if now - self._began > OUTAGE_SECONDS:
            return 0.0
        self._pause = min(self._pause * 2, MOST_SECONDS)
        return self._pause


def bear(outage: Outage, error: EndpointError, most: float = MOST_SECONDS) -> None:
    """Wait before the next attempt, ``most`` seconds at most; the first time it is said why.

    Raises:
        EndpointError: it has lasted too long; ``error`` itself.
    """
    if not outage.goes_on:
        note(f"{error}; trying on")
    pause = outage.pause(time.monotonic())
    if not pause:
        raise error
    time.sleep(min(pause, most))


def breathe() -> None:
    """Pause once, so that a server that ends every answer at once is not asked without end."""
    time.sleep(FIRST_SECONDS)
