"""Whom the worker follows: the highest epoch it has seen, and the session granted in it."""

from dataclasses import dataclass
from enum import Enum, auto


class Standing(Enum):
    """What a message's epoch and session mean to this worker."""

    OUTDATED = auto()
    """From a lower epoch: refused, and told so."""
    STRANGE = auto()
    """From another session, or from an epoch in which none was granted yet."""
    CURRENT = auto()


@dataclass(slots=True)
class Session:
    """The fence: a number that only rises, and a session that ends when it does."""

    epoch: int = 0
    number: int | None = None
    highest: int = 0
    applied: int = 0
    report_seconds: float = 1.0

    def follow(self, epoch: int) -> bool:
        """Take an epoch that is not lower; the session ends. False if it is lower."""
        if epoch < self.epoch:
            return False
        if epoch > self.epoch:
            self.highest = 0
        self.epoch = epoch
        self.number = None
        self.applied = 0
        return True

    def grant(self, epoch: int, number: int, report_seconds: float) -> bool:
        """Take a session; False if it is the current one, or one that was left.

        The count of a session's commands must not restart: the leader takes it for
        history and waits for more, while we wait for the first ones.
        """
        if (epoch, number) <= (self.epoch, self.highest):
            return False
        self.report_seconds = report_seconds
        self.epoch = epoch
        self.number = self.highest = number
        self.applied = 0
        return True

    def standing(self, epoch: int, number: int) -> Standing:
        """Judge a message; a higher epoch than any seen is followed at once."""
        if epoch < self.epoch:
            return Standing.OUTDATED
        if epoch > self.epoch:
            self.follow(epoch)
            return Standing.STRANGE
        return Standing.CURRENT if number == self.number else Standing.STRANGE
