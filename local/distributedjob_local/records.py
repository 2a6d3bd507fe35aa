"""Which processes are ours: found again by pid and start time, and ended in order."""

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final, Self

from distributedjob_local.errors import UnreadableStateError
from distributedjob_local.progress import Progress

GRACE_SECONDS = 10.0
LATE_SECONDS: Final = 3.0
LAST_PID: Final = 1 << 22
"""The kernel's own limit; no machine has more."""
STATE: Final = 0
STARTED: Final = 19
"""Positions in a process's ``stat``, behind its name."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process and no later one that got the same pid."""

    pid: int
    start_time: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """The identity of a running process.

        Raises:
            ProcessLookupError: there is none.
        """
        return cls(pid, int(_stat(pid)[STARTED]), _boot())

    @property
    def alive(self) -> bool:
        """Whether it still runs; one that only waits to be reaped does not."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        try:
            stat = _stat(self.pid)  # Read once: it may be gone a moment later.
        except ProcessLookupError:
            return False
        started, boot = int(stat[STARTED]), _boot()
        return stat[STATE] != "Z" and (started, boot) == (self.start_time, self.boot)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, never to a process that merely has the same pid."""
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                # The descriptor holds on to one process; only then is it compared.
                if self.alive:
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)

    def wait(self, seconds: float) -> bool:
        """Whether it ended within this time."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if self.alive:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                poll.poll(max(0.0, seconds) * 1000)
        finally:
            os.close(descriptor)
        return not self.alive


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def _stat(pid: int) -> list[str]:
    """What the kernel says of a process, from its state on.

    Raises:
        ProcessLookupError: there is none.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error
    return text.rpartition(")")[2].split()


@dataclass(frozen=True, slots=True)
class Record:
    """A process as it stands in the state directory."""

    path: Path
    name: str
    rank: int
    address: str
    identity: Identity

    @classmethod
    def read(cls, path: Path) -> Self:
        """The record that ``launch`` wrote.

        Raises:
            UnreadableStateError: something else stands there.
        """
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            identity = Identity(int(facts["pid"]), int(facts["start_time"]), str(facts["boot"]))
            if not 0 < identity.pid <= LAST_PID:
                raise ValueError(identity.pid)
            name, address = str(facts["name"]), str(facts["address"])
            return cls(path, name, int(facts["rank"]), address, identity)
        except (OSError, ValueError, LookupError, TypeError, OverflowError) as error:
            raise UnreadableStateError(path, "process record") from error


def read_records(directory: Path) -> list[Record]:
    """Every record, in the order of starting.

    Raises:
        UnreadableStateError: one of them is none.
    """
    found = [Record.read(path) for path in sorted(directory.glob("*.json"))]
    return sorted(found, key=lambda record: (record.rank, record.name))


def end(
    identities: Iterable[Identity],
    grace: float = GRACE_SECONDS,
    late: Callable[[Sequence[Identity]], None] = lambda _: None,
) -> None:
    """End these processes together: ask, wait, then kill what is left.

    ``late`` is told which of them take so long that a user begins to wonder.
    """
    remaining = list(identities)
    for identity in remaining:
        identity.signal(signal.SIGTERM)
    asked = time.monotonic()
    if remaining := _left(remaining, asked + min(grace, LATE_SECONDS)):
        late(remaining)
    remaining = _left(remaining, asked + grace)
    for identity in remaining:
        identity.signal(signal.SIGKILL)
    _left(remaining, time.monotonic() + GRACE_SECONDS)


def _left(identities: Iterable[Identity], deadline: float) -> list[Identity]:
    return [each for each in identities if not each.wait(deadline - time.monotonic())]


def end_recorded(directory: Path) -> list[Record]:
    """End everything recorded, last started first, and return what still ran.

    A file that is no record is removed, so that the next start is not in its way.
    """
    for path in directory.glob("*.json"):
        try:
            Record.read(path)
        except UnreadableStateError:
            Progress().note(f"{path} is no process record: removed, and nothing ended for it")
            path.unlink(missing_ok=True)
    ended = []
    backwards = sorted(read_records(directory), key=lambda record: -record.rank)
    for _, together in groupby(backwards, key=lambda record: record.rank):
        records = list(together)
        ended += [record for record in records if record.identity.alive]
        end((record.identity for record in records), late=partial(_say_late, records))
        for record in records:
            record.path.unlink(missing_ok=True)
    return ended


def _say_late(records: Iterable[Record], late: Sequence[Identity]) -> None:
    names = ", ".join(record.name for record in records if record.identity in late)
    Progress().note(f"waiting for {names} to end; after {GRACE_SECONDS:.0f} s it is made to")
