"""Who may lead: client-go's leader election as one pure function.

After ``k8s.io/client-go/tools/leaderelection``: stamps inside the record are never
compared with a clock; what counts is when *we* saw the record change. A Lease does
not fence, so every command and status carries the epoch beside it.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A Lease as read; ``version`` is its resourceVersion, ``floor`` our annotation.

    No epoch from this version on is below the floor; it is 0 unless etcd went back.
    """

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


def taken_by(record: LeaseRecord, identity: str, duration_seconds: float) -> LeaseRecord:
    """The record with which a candidate takes the Lease.

    Where versions are still below the floor, each holder raises it by one, so that no
    two ever lead in the same epoch.
    """
    raised = 1 if record.floor >= int(record.version) else 0
    return replace(
        record,
        holder=identity,
        duration_seconds=duration_seconds,
        transitions=record.transitions + 1,
        floor=record.floor + raised,
    )


def above(record: LeaseRecord, seen: int) -> LeaseRecord:
    """The record with which a holder rises above an epoch seen elsewhere."""
    return replace(record, floor=max(record.floor, seen + 1))


def epoch_of(record: LeaseRecord) -> int:
    """The fencing number of whoever acquired the Lease in this version.

    The resourceVersion as an integer (comparable by contract since KEP-5504), not below
    the floor that was left after a restored etcd had gone back.
    """
    return max(int(record.version), record.floor)
