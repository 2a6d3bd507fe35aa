"""The journal's way out: batches in flight until the stream has them, bounded, lossy.

It is detail: losing it loses no outcome, so nothing ever waits for it.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

BUFFER_BYTES: Final = 32 * 1024 * 1024
IN_FLIGHT_BYTES: Final = 4 * 1024 * 1024
RETRY_SECONDS: Final = 2.0


@dataclass(slots=True)
class _Batch:
    number: int
    subject: str
    data: bytes
    sent_at: float = 0.0


class Journal:
    """What is to be sent, and what was sent and not yet answered."""

    def __init__(self) -> None:
        self._waiting: deque[_Batch] = deque()
        self._flying: OrderedDict[int, _Batch] = OrderedDict()
        self._bytes = 0
        self._flying_bytes = 0
        self._numbers = 0
        self._resume_at = 0.0
        self.dropped = 0

    def add(self, subject: str, data: bytes) -> None:
        """Take a batch; the oldest ones go where there is no room."""
        self._numbers += 1
        self._waiting.append(_Batch(self._numbers, subject, data))
        self._bytes += len(data)
        while self._bytes > BUFFER_BYTES and self._waiting:
            self._bytes -= len(self._waiting.popleft().data)
            self.dropped += 1

    def due(self, now: float) -> list[tuple[int, str, bytes]]:
        """Number, subject and data of what is to be sent now."""
        while self._flying:
            oldest = next(iter(self._flying.values()))
            if now - oldest.sent_at < RETRY_SECONDS:
                break
            self._back(oldest)
        sent = []
        while self._waiting and now >= self._resume_at and self._flying_bytes < IN_FLIGHT_BYTES:
            batch = self._waiting.popleft()
            batch.sent_at = now
            self._flying[batch.number] = batch
            self._flying_bytes += len(batch.data)
            sent.append((batch.number, batch.subject, batch.data))
        return sent

    def stored(self, number: int) -> None:
        """The stream has a batch."""
        batch = self._flying.pop(number, None)
        if batch is not None:
            self._flying_bytes -= len(batch.data)
            self._bytes -= len(batch.data)

    def drop(self, number: int) -> None:
        """Nobody will ever take a batch."""
        self.stored(number)
        self.dropped += 1

    def refused(self, number: int, now: float) -> None:
        """There is no stream, or it did not take a batch: try again later."""
        self._resume_at = now + RETRY_SECONDS
        batch = self._flying.get(number)
        if batch is not None:
            self._back(batch)

    @property
    def pending(self) -> bool:
        """Whether anything waits for the stream."""
        return bool(self._waiting or self._flying)

    def _back(self, batch: _Batch) -> None:
        del self._flying[batch.number]
        self._flying_bytes -= len(batch.data)
        self._waiting.appendleft(batch)
