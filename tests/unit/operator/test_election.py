"""Who may lead: at most one at a time, with a number that only rises."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distributedjob_operator.core.election import (
    Acquire,
    Create,
    Decision,
    LeaseRecord,
    Observed,
    Renew,
    Wait,
    above,
    decide,
    epoch_of,
    observe,
    taken_by,
)

HELD = LeaseRecord("other", 6.0, 3, "41")


@pytest.mark.parametrize(
    ("record", "now", "decision"),
    [
        pytest.param(None, 0.0, Create(), id="no Lease is created"),
        pytest.param(HELD, 5.9, Wait(6.0), id="a held one is waited for"),
        pytest.param(HELD, 6.0, Acquire(HELD), id="an expired one is acquired"),
        pytest.param(
            replace(HELD, holder=""), 0.0, Acquire(replace(HELD, holder="")), id="a released one"
        ),
        pytest.param(
            replace(HELD, holder="me"), 99.0, Renew(replace(HELD, holder="me")), id="our own"
        ),
        pytest.param(
            replace(HELD, duration_seconds=60.0),
            59.0,
            Wait(60.0),
            id="its duration counts, not ours",
        ),
    ],
)
def test_a_candidate_decides_by_what_it_saw(
    record: LeaseRecord | None, now: float, decision: Decision
):
    assert decide(Observed(record, 0.0), "me", now) == decision


def test_the_wait_starts_anew_only_when_the_record_changes():
    first = observe(None, HELD, 1.0)
    assert observe(first, HELD, 5.0) == first
    renewed = replace(HELD, version="42")
    assert observe(first, renewed, 5.0) == Observed(renewed, 5.0)


@pytest.mark.parametrize(
    ("version", "floor", "epoch"),
    [
        pytest.param("41", 0, 41, id="the version"),
        pytest.param("41", 900, 900, id="a floor left after a restored etcd"),
    ],
)
def test_the_epoch_is_the_version_and_not_below_the_floor(version: str, floor: int, epoch: int):
    assert epoch_of(replace(HELD, version=version, floor=floor)) == epoch


@dataclass
class Candidate:
    """A replica as ``leadership`` runs it: reads, decides, writes, and counts from before."""

    identity: str
    valid_until: float = -1.0
    observed: Observed | None = None
    epochs: list[int] = field(default_factory=list)


class Etcd:
    """One Lease with optimistic concurrency, and versions that never go back."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self.version = 10

    def write(self, before: LeaseRecord | None, record: LeaseRecord) -> LeaseRecord | None:
        if (before and before.version) != (self.record and self.record.version):
            return None
        self.version += 1
        self.record = replace(record, version=str(self.version))
        return self.record


def attempt(candidate: Candidate, etcd: Etcd, began: float, answered: float) -> None:
    read = etcd.record
    candidate.observed = observe(candidate.observed, read, answered)
    decision = decide(candidate.observed, candidate.identity, answered)
    match decision:
        case Wait():
            return
        case Create():
            written = etcd.write(None, LeaseRecord(candidate.identity, 6.0, 0, ""))
        case Acquire(record=record):
            written = etcd.write(record, taken_by(record, candidate.identity, 6.0))
        case Renew(record=record):
            written = etcd.write(record, record)
    if written is not None:
        candidate.valid_until = began + 4.0
        candidate.observed = Observed(written, answered)
        if not isinstance(decision, Renew):
            candidate.epochs.append(epoch_of(written))


STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0, 5), st.floats(0, 3), st.sampled_from("ttttttrd")),
    max_size=60,
)


@settings(max_examples=300)
@given(STEPS)
def test_two_candidates_never_lead_together_and_epochs_only_rise(
    steps: list[tuple[int, float, float, str]],
):
    etcd, now = Etcd(), 0.0
    candidates = [Candidate("a"), Candidate("b")]
    epochs: list[int] = []
    for who, pause, delay, kind in steps:
        one, other = candidates[who], candidates[1 - who]
        now += pause
        if kind == "r" and now < one.valid_until and etcd.record is not None:
            one.valid_until = -1.0
            etcd.write(etcd.record, replace(etcd.record, holder="", duration_seconds=1.0))
        elif kind == "d" and now >= max(one.valid_until, other.valid_until):
            etcd.record = None
        else:
            began, now = now, now + delay
            before = len(one.epochs)
            attempt(one, etcd, began, now)
            epochs += one.epochs[before:]
        assert not all(now < candidate.valid_until for candidate in candidates)
    assert epochs == sorted(set(epochs))


@given(st.lists(st.tuples(st.sampled_from("aaars"), st.integers(1, 60)), max_size=40))
def test_no_two_leads_share_an_epoch_while_versions_are_below_the_floor(
    steps: list[tuple[str, int]],
):
    record, version = LeaseRecord("", 1.0, 0, "10"), 10
    epochs: list[int] = []
    for kind, number in steps:
        if kind == "s" and epochs:
            # The holder hears of an epoch from before etcd was restored.
            seen = max(epochs[-1], number)
            record = above(record, seen)
            epochs.append(record.floor)
            assert record.floor > seen
        elif kind == "r":
            version += number
        else:
            record = taken_by(record, f"replica-{len(epochs)}", 6.0)
        version += 1
        record = replace(record, version=str(version))
        if kind == "a":
            epochs.append(epoch_of(record))
    assert epochs == sorted(set(epochs))
