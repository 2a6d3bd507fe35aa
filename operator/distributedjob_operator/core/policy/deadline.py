"""``activeDeadlineSeconds``: the clock runs from the first dispatch, not while suspended.

It is the leader's monotonic clock; what it has shown is stored in each checkpoint,
and the next leader goes on from there (protocol item 23).
"""

from dataclasses import dataclass


@dataclass(slots=True)
class ActiveClock:
    """Seconds for which a job has been active."""

    before: float = 0.0
    since: float | None = None

    def run(self, running: bool, now: float) -> None:
        """Start or stop the clock; told the same twice, nothing changes."""
        if running and self.since is None:
            self.since = now
        elif not running and self.since is not None:
            self.before += now - self.since
            self.since = None

    def seconds(self, now: float) -> float:
        """What the clock shows."""
        return self.before + (now - self.since if self.since is not None else 0.0)

    def reaches(self, seconds: float) -> float | None:
        """When it will show so many seconds, or None while it stands."""
        return None if self.since is None else self.since + seconds - self.before

    def restart(self) -> None:
        """Begin at nothing."""
        self.before, self.since = 0.0, None
