"""What happened, in order: the recent part to be read, all of it as one number."""

import hashlib
from collections import Counter, deque
from typing import Final

from distributedjob_api.messages import MessageError, decode_leader, decode_worker

RECENT: Final = 400


class History:
    """The events of one run; two runs are the same if their digests are."""

    def __init__(self, *, traced: bool = False) -> None:
        self.recent: deque[str] = deque(maxlen=None if traced else RECENT)
        self.traced = traced
        self.faults: Counter[str] = Counter()
        self.violations: list[str] = []
        self._hash = hashlib.blake2b(digest_size=8)

    @property
    def digest(self) -> str:
        """All that was noted and sent, as one number."""
        return self._hash.hexdigest()

    def note(self, now: float, text: str) -> None:
        """Something happened that a reader wants to know of."""
        line = f"{now:9.4f} {text}"
        self.recent.append(line)
        self._hash.update(line.encode())

    def sent(self, now: float, subject: str, data: bytes) -> None:
        """A message went over the network: too much to be read, unless asked for."""
        if self.traced:
            self.recent.append(f"{now:9.4f}   {subject} {_said(data)}")
        self._hash.update(b"%d" % int(now * 1e6))
        self._hash.update(data)

    def violation(self, now: float, law: str, text: str) -> None:
        """A law was broken; the first violations matter, what follows is noise."""
        self.note(now, f"VIOLATION of {law}: {text}")
        if len(self.violations) < RECENT:
            self.violations.append(f"{law} at {now:.3f}: {text}")


def _said(data: bytes) -> object:
    try:
        return decode_leader(data)
    except MessageError:
        return decode_worker(data)
