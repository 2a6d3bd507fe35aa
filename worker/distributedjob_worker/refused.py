"""Messages that make no sense: counted, and told about once in a while.

Whoever floods a worker's subject must not fill its log.
"""

import logging
from typing import Final

_log = logging.getLogger(__name__)

TELL_SECONDS: Final = 60.0


class Refused:
    """What was refused so far."""

    def __init__(self) -> None:
        self.count = 0
        self._tell_at = float("-inf")

    def note(self, error: Exception, now: float) -> None:
        """Count one more, and tell of it unless one was told of lately."""
        self.count += 1
        if now < self._tell_at:
            return
        self._tell_at = now + TELL_SECONDS
        _log.warning("a leader's message was refused, %d so far: %.200s", self.count, error)
