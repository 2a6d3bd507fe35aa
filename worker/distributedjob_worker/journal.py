"""The journal's way out: messages in flight until the stream has them, bounded, lossy.

It is detail: losing it loses no outcome, so nothing ever waits for it.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

BUFFER_BYTES: Final = 32 * 1024 * 1024
IN_FLIGHT_BYTES: Final = 4 * 1024 * 1024
RETRY_SECONDS: Final = 2.0


class Condition(Enum):
    """How the journal fares."""

    STORING = "the journal takes records"
    WAITING = "the journal's stream takes nothing: its records wait"
    DROPPING = "the journal's records fill their buffer: the oldest are dropped"


@dataclass(slots=True)
class Outgoing:
    """One message for the stream, with so many records in it."""

    number: int
    subject: str
    data: bytes
    headers: Mapping[str, str]
    records: int
    sent_at: float = 0.0


class Journal:
    """What is to be sent, and what was sent and not yet answered."""

    def __init__(self) -> None:
        self._waiting: deque[Outgoing] = deque()
        self._flying: OrderedDict[int, Outgoing] = OrderedDict()
        self._bytes = 0
        self._flying_bytes = 0
        self._numbers = 0
        self._resume_at = 0.0
        self.condition = Condition.STORING
        self.dropped = 0
        """Records that were given up, ever."""

    def add(self, subject: str, data: bytes, headers: Mapping[str, str], records: int) -> None:
        """Take a message; the oldest ones go where there is no room."""
        self._numbers += 1
        self._waiting.append(Outgoing(self._numbers, subject, data, headers, records))
        self._bytes += len(data)
        while self._bytes > BUFFER_BYTES and self._waiting:
            oldest = self._waiting.popleft()
            self._bytes -= len(oldest.data)
            self.dropped += oldest.records
            self.condition = Condition.DROPPING

    def due(self, now: float) -> list[Outgoing]:
        """What is to be sent now."""
        while self._flying:
            oldest = next(iter(self._flying.values()))
            if now - oldest.sent_at < RETRY_SECONDS:
                break
            self._back(oldest)
        sent = []
        while self._waiting and now >= self._resume_at and self._flying_bytes < IN_FLIGHT_BYTES:
            message = self._waiting.popleft()
            message.sent_at = now
            self._flying[message.number] = message
            self._flying_bytes += len(message.data)
            sent.append(message)
        return sent

    def stored(self, number: int) -> None:
        """The stream has a message."""
        self._remove(number)
        # At the brim every message would be another change.
        if self.condition is Condition.WAITING or self._bytes <= BUFFER_BYTES // 2:
            self.condition = Condition.STORING

    def drop(self, number: int) -> None:
        """Nobody will ever take a message."""
        message = self._remove(number)
        if message is not None:
            self.dropped += message.records

    def refused(self, number: int, now: float) -> None:
        """There is no stream, or it did not take a message: try again later."""
        self._resume_at = now + RETRY_SECONDS
        message = self._flying.get(number)
        if message is not None:
            self._back(message)

    @property
    def pending(self) -> bool:
        """Whether anything waits for the stream."""
        return bool(self._waiting or self._flying)

    def _remove(self, number: int) -> Outgoing | None:
        message = self._flying.pop(number, None)
        if message is not None:
            self._flying_bytes -= len(message.data)
            self._bytes -= len(message.data)
        return message

    def _back(self, message: Outgoing) -> None:
        del self._flying[message.number]
        self._flying_bytes -= len(message.data)
        self._waiting.appendleft(message)
        if self.condition is Condition.STORING:
            self.condition = Condition.WAITING
