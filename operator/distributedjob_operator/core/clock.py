"""Time as an argument."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on two clocks.

    ``mono`` (seconds, never set back) is for every interval; ``wall`` (UTC) is only
    for the stamps that people read.
    """

    mono: float
    wall: datetime
