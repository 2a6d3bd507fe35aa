"""How long a command that follows something bears with servers that do not answer."""

import time
from collections.abc import Callable
from typing import Final

from distributedjob_cli.client.http import EndpointError
from distributedjob_cli.show.terminal import note

FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 10.0
OUTAGE_SECONDS: Final = 300.0
"""A rolling update of a control plane, or of the operator with all its nodes, is over by then."""


class Patience:
    """Pauses that double, and an end to them; all seconds of one clock."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._pause, self._began = FIRST_SECONDS, 0.0

    def answered(self) -> None:
        """All is well again."""
        self._pause = FIRST_SECONDS

    def breathe(self) -> None:
        """Pause once, so that whoever ends every answer at once is not asked without end."""
        self._sleep(FIRST_SECONDS)

    def wait(self, error: EndpointError, most: float = MOST_SECONDS) -> None:
        """Pause before the next attempt; the first time it is said why.

        Raises:
            EndpointError: it has lasted too long; ``error`` itself.
        """
        now = self._clock()
        if self._pause == FIRST_SECONDS:
            self._began = now
            note(f"{error}; trying on")
        elif now - self._began > OUTAGE_SECONDS:
            raise error
        self._sleep(min(self._pause, most))
        self._pause = min(self._pause * 2, MOST_SECONDS)
