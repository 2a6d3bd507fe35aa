"""Who may lead: client-go's leader election as one pure function.

After ``k8s.io/client-go/tools/leaderelection``: stamps inside the record are never
compared with a clock; what counts is when *we* saw the record change. A Lease does
not fence, so every command and status carries the epoch beside it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A Lease as read; ``version`` is its resourceVersion, ``floor`` our annotation."""

    holder: str
    duration_seconds: float
    transitions: int
    version: str
    floor: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """A Lease (None: there is none) and when this version was first seen, on CLOCK_BOOTTIME."""

    record: LeaseRecord | None
    since: float


@dataclass(frozen=True, slots=True)
class Create:
    """Create the Lease."""


@dataclass(frozen=True, slots=True)
class Acquire:
    """Replace the record; it fails where somebody was faster."""

    record: LeaseRecord


@dataclass(frozen=True, slots=True)
class Renew:
    """We hold it: replace the record to keep it."""

    record: LeaseRecord


@dataclass(frozen=True, slots=True)
class Wait:
    """Another holds it, and until ``until`` nothing else could be concluded."""

    until: float


Decision = Create | Acquire | Renew | Wait


def observe(before: Observed | None, record: LeaseRecord | None, now: float) -> Observed:
    """Note a record; the time moves only when the record changed."""
    if before is not None and before.record == record:
        return before
    return Observed(record, now)


def decide(observed: Observed, identity: str, now: float) -> Decision:
    """What a candidate does next."""
    record = observed.record
    if record is None:
        return Create()
    if record.holder == identity:
        return Renew(record)
    if not record.holder:
        return Acquire(record)
    # The duration in the record counts, not ours: the holder goes by its own.
    until = observed.since + record.duration_seconds
    return Acquire(record) if now >= until else Wait(until)


def epoch_of(record: LeaseRecord) -> int:
    """The fencing number of whoever acquired the Lease in this version.

    The resourceVersion as an integer (comparable by contract since KEP-5504), above
    the floor that a predecessor left after a restored etcd had gone back.
    """
    return max(int(record.version), record.floor + 1)
