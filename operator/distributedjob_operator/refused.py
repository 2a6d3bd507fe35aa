"""Messages that make no sense: counted, and told about once in a while for each sender.

Whoever floods a subject must fill neither the log nor the memory.
"""

import logging
from collections import Counter, OrderedDict
from enum import StrEnum
from typing import Final

from distributedjob_operator.ports import Clock

_log = logging.getLogger(__name__)

TELL_SECONDS: Final = 60.0
REMEMBERED_SUBJECTS: Final = 1024


class Cause(StrEnum):
    """Why a message was refused; the label of a metric."""

    SUBJECT = "subject"
    """No worker sends on it."""
    MALFORMED = "malformed"
    """It is not a message of a worker."""


class Refused:
    """What was refused so far."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: OrderedDict[str, float] = OrderedDict()
        self.counts: Counter[Cause] = Counter()

    def note(self, subject: str, cause: Cause, detail: str) -> None:
        """Count one more, and tell of it unless its subject was told of lately."""
        self.counts[cause] += 1
        now = self._clock.now().mono
        if now < self._told.get(subject, float("-inf")) + TELL_SECONDS:
            return
        self._told[subject] = now
        self._told.move_to_end(subject)
        if len(self._told) > REMEMBERED_SUBJECTS:
            self._told.popitem(last=False)
        _log.warning("a message on %.200s was refused: %s", subject, detail)
