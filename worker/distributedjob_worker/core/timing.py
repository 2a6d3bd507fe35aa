"""When the worker speaks: at once, at the leader's interval, or once a second all the same."""

from dataclasses import dataclass
from typing import Final

from distributedjob_api.constants import STEADY_SECONDS
from distributedjob_worker.core.session import Session

HELLO_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 1.0
REPORT_GAP_SECONDS: Final = 0.003
"""Between two reports, however urgent: many single tasks that end together share one."""

STATING_SECONDS: Final = 50e-6
"""The longer is that gap for each job that the last report stated, up to ``STEADY_SECONDS``.

Either side spends some 2 us on each. A thousand jobs that have ended and are not recorded yet
would otherwise be stated anew with each that ends after them, until the leader does nothing
but hear of them.
"""


@dataclass(slots=True)
class Timing:
    """What the next report waits for; moments in seconds, of the clock that the shell reads.

    ``urgent`` is what somebody waits for, ``news`` what can wait for the interval. That
    a job goes on of which more waits here is neither: it asks the leader for nothing.
    """

    urgent: bool = False
    news: bool = False
    goes_on: bool = False
    sent_at: float = -HEARTBEAT_SECONDS
    looked_at: float = -HEARTBEAT_SECONDS
    stated: int = 0
    """Jobs that the last report spoke of."""

    def due(self, session: Session, *, ended: bool) -> float:
        """When to speak next; ``ended`` tells whether any attempt has ended since."""
        gap = max(REPORT_GAP_SECONDS, min(self.stated * STATING_SECONDS, STEADY_SECONDS))
        if self.urgent:
            return self.looked_at + gap
        if self.news:
            return self.looked_at + max(session.report_seconds, gap)
        if ended or self.goes_on:
            return self.looked_at + max(session.report_seconds, STEADY_SECONDS)
        return self.sent_at + (HELLO_SECONDS if session.number is None else HEARTBEAT_SECONDS)

    def look(self, now: float) -> None:
        """What there was to say by now is about to be said."""
        self.urgent = self.news = self.goes_on = False
        self.looked_at = now

    def may_greet(self, now: float) -> bool:
        """Whether the last hello, or report, was long enough ago for another hello."""
        return now >= self.sent_at + HELLO_SECONDS  # As `due` reckons, to the last bit.
