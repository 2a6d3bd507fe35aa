"""Failures folded together, against the same ones folded each on its own."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distributedjob_api.indexes import BitMap, ranges
from distributedjob_api.messages import Entry, Failure
from distributedjob_api.v1alpha1 import Spec
from distributedjob_operator.core.ledger import Ledger
from distributedjob_operator.core.recorded import Recorded
from tests.support.builders import a_job

TASKS = 12
WORKERS = (("default", "n1"), ("default", "n2"))


def a_rule(action: str, *codes: int) -> dict[str, Any]:
    return {"action": action, "onExitCodes": {"operator": "In", "values": list(codes)}}


def a_spec(**fields: Any) -> Spec:
    return a_job(completions=TASKS, retryPolicy={"initialSeconds": 1}, **fields).spec


SPECS = {
    "limits": a_spec(backoffLimitPerIndex=2, interruptionLimit=1),
    "no retries": a_spec(backoffLimitPerIndex=0),
    "at most once": a_spec(backoffLimitPerIndex=0, interruptionLimit=0),
    "rules": a_spec(
        backoffLimitPerIndex=2,
        failurePolicy={
            "rules": [
                a_rule("FailIndex", 1),
                a_rule("Ignore", 2),
                {"action": "Count", "onReasons": ["Interrupted"]},
            ]
        },
    ),
    "rules that end the job": a_spec(
        backoffLimitPerIndex=1, failurePolicy={"rules": [a_rule("FailJob", 3, 4)]}
    ),
}

INDEXES = st.integers(0, TASKS + 1)
FAILURES = st.lists(
    st.builds(
        Failure,
        INDEXES,
        st.sampled_from([0, 0, 0, 1, 1, 2, 5]),
        st.sampled_from(["Error", "Error", "Error", "TimedOut", "NotFound"]),
        st.integers(1, 4),
        st.sampled_from([0, 9]),
        st.sampled_from(["", "why", "x" * 300]),
        st.sampled_from([0, 0, 1, 2]),
    ),
    max_size=10,
)
STEPS = st.one_of(
    st.tuples(st.just("report"), st.frozensets(INDEXES, max_size=2), FAILURES),
    st.tuples(st.just("repeat"), st.integers(0, 9)),
    st.tuples(st.just("stop"), st.frozensets(INDEXES, max_size=2)),
    st.tuples(st.just("assign"), st.integers(1, 6)),
    st.tuples(st.just("start"), st.frozensets(INDEXES, max_size=4)),
    st.tuples(st.just("crash"), st.frozensets(INDEXES, max_size=4)),
    st.tuples(st.just("adopt"), st.frozensets(INDEXES, max_size=4)),
    st.tuples(st.just("lose")),
    st.tuples(st.just("wake"), st.sampled_from([0.5, 1.0, 4.0])),
    st.tuples(st.just("conflict"), st.integers(0, 9)),
)


def one_by_one(entry: Entry) -> list[Entry]:
    """The same results, each failure in an entry of its own."""
    parts = [Entry(1, 0, entry.succeeded, [], [], 0.0)]
    parts += [Entry(1, 0, [], [failure], [], 0.0) for failure in entry.failed]
    return [*parts, Entry(1, 0, [], [], entry.stopped, 0.0)]


class Side:
    """A ledger that takes entries whole, or cut into their results."""

    def __init__(self, spec: Spec, *, cuts: bool) -> None:
        self.ledger = Ledger(BitMap(range(TASKS)), Recorded())
        self.spec, self.cuts = spec, cuts
        self.heard: list[tuple[tuple[str, str], Entry]] = []

    def parts(self, entry: Entry) -> list[Entry]:
        return one_by_one(entry) if self.cuts else [entry]

    def fold(self, worker: tuple[str, str], entry: Entry, now: float) -> None:
        for part in self.parts(entry):
            self.ledger.fold(worker, worker[1], part, self.spec, now)

    def take(self, worker: tuple[str, str], step: tuple[Any, ...], now: float) -> None:
        ledger, node = self.ledger, worker[1]
        match step:
            case ("report", good, failed):
                bad = [failure for failure in failed if failure.index not in good]
                entry = Entry(1, 0, ranges(BitMap(good)), bad, [], 0.0)
                self.heard.append((worker, entry))
                self.fold(worker, entry, now)
            case ("repeat", which) if self.heard:
                self.fold(*self.heard[which % len(self.heard)], now)
            case ("stop", stopped):
                self.fold(worker, Entry(1, 0, [], [], ranges(BitMap(stopped)), 0.0), now)
            case ("assign", count):
                ledger.assign_ready(worker, ledger.ready.copy())
                ledger.assign_fresh(worker, count)
            case ("start", which):
                ledger.running[worker] = ledger.assigned.get(worker, BitMap()) & BitMap(which)
            case ("crash", which):
                held = ledger.assigned.get(worker, BitMap()) & BitMap(which)
                ledger.crashed(
                    worker, held, node, self.spec, now, blamed=None, slots=1, unheard_seconds=0.1
                )
                ledger.release(worker, held)
            case ("adopt", which):
                ledger.adopt(worker, BitMap(which))
            case ("lose",):
                ledger.lose(worker, node, self.spec, now)
            case ("wake", _):
                ledger.wake(now)
            case ("conflict", since):
                facts = [
                    (key, key[1], part)
                    for key, entry in self.heard[since:]
                    for part in self.parts(entry)
                ]
                self.ledger = ledger.rebuilt(ledger.wanted, Recorded(), facts, self.spec, now)

    def state(self) -> tuple[Any, ...]:
        ledger = self.ledger
        return (
            ledger.recorded,
            (ledger.fresh, ledger.ready, ledger.suspects),
            {index: ledger.due(index) for index in ledger.backing_off.indexes},
            (ledger.busy, ledger.assigned),
            {key: running for key, running in ledger.running.items() if running},
            (ledger.failed_on, ledger.ends_job, ledger.next_retry()),
        )


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(WORKERS), STEPS), max_size=30))
def test_what_is_folded_together_comes_to_the_same_as_each_failure_alone(spec: Spec, steps):
    together, alone = Side(spec, cuts=False), Side(spec, cuts=True)
    now = 0.0
    for worker, step in steps:
        now += step[1] if step[0] == "wake" else 0.1
        for side in (together, alone):
            side.take(worker, step, now)
        assert together.state() == alone.state()


def test_of_failures_that_end_the_job_the_first_that_counts_is_told():
    side = Side(SPECS["rules that end the job"], cuts=False)
    side.ledger.assign_fresh(WORKERS[0], TASKS)
    side.fold(WORKERS[0], Entry(1, 0, [(1, 1)], [], [], 0.0), 0.0)
    failed = [Failure(index, 0, "Error", code, 0, "") for index, code in enumerate((1, 3, 4, 3))]
    side.fold(WORKERS[0], Entry(2, 0, [], failed, [], 0.0), 0.0)
    assert side.ledger.ends_job is not None
    assert "Task 2 ended with exit code 4," in side.ledger.ends_job[1]
