"""The bookkeeping of indexes against plain sets: nothing lost, nothing twice."""

from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from distributedjob_api.indexes import BitMap, ranges
from distributedjob_api.messages import Entry, Failure
from distributedjob_operator.core.ledger import Ledger
from distributedjob_operator.core.policy.retry import Tries
from distributedjob_operator.core.recorded import Recorded
from tests.support.builders import a_job

A, B = ("default", "n1"), ("default", "n2")
WORKERS = st.sampled_from([A, B])
TASKS = 24
SPEC = a_job(completions=TASKS, backoffLimitPerIndex=2, interruptionLimit=2).spec


def an_entry(
    succeeded: set[int] = frozenset(), failed: list[Failure] = (), stopped: set[int] = frozenset()
) -> Entry:
    return Entry(1, 0, ranges(BitMap(succeeded)), list(failed), ranges(BitMap(stopped)), 0.1)


def a_failure(index: int, ended: int = 0, reason: str = "ExitCode") -> Failure:
    return Failure(index, ended, reason, 1, 0, "tail")


def a_ledger(tasks: int = 10) -> Ledger:
    return Ledger(BitMap(range(tasks)), Recorded())


def places(ledger: Ledger) -> dict[str, set[int]]:
    done = {"succeeded": set(ledger.recorded.succeeded), "failed": set(ledger.recorded.failed)}
    over = done["succeeded"] | done["failed"]
    held = {str(key): set(indexes) - over for key, indexes in ledger.assigned.items()}
    waiting = set(ledger.backing_off.indexes)
    return {**done, **held, "fresh": set(ledger.fresh), "ready": set(ledger.ready), "wait": waiting}


class LedgerMachine(RuleBasedStateMachine):
    """Any order of orders and facts, against a model of outcomes."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(BitMap(range(TASKS)), Recorded())
        self.now = 0.0
        self.outcomes: dict[int, str] = {}
        self.said: list[tuple[tuple[str, str], Entry]] = []

    def fold(self, worker: tuple[str, str], entry: Entry) -> None:
        self.ledger.fold(worker, worker[1], entry, SPEC, self.now)

    def note(self) -> None:
        for index in self.ledger.recorded.succeeded:
            self.outcomes.setdefault(index, "succeeded")
        for index in self.ledger.recorded.failed:
            self.outcomes.setdefault(index, "failed")

    @rule(worker=WORKERS, count=st.integers(1, 8))
    def assign(self, worker: tuple[str, str], count: int) -> None:
        self.ledger.assign_ready(worker, self.ledger.ready.copy())
        self.ledger.assign_fresh(worker, count)

    @rule(worker=WORKERS, which=st.sets(st.integers(0, TASKS - 1)))
    def start(self, worker: tuple[str, str], which: set[int]) -> None:
        held = self.ledger.assigned.get(worker, BitMap())
        self.ledger.running[worker] = held & BitMap(which)

    @rule(
        worker=WORKERS,
        good=st.sets(st.integers(0, TASKS - 1), max_size=4),
        bad=st.dictionaries(st.integers(0, TASKS - 1), st.integers(0, 3), max_size=3),
    )
    def report(self, worker: tuple[str, str], good: set[int], bad: dict[int, int]) -> None:
        failures = [a_failure(i, ended) for i, ended in bad.items() if i not in good]
        entry = an_entry(good, failures)
        self.said.append((worker, entry))
        self.fold(worker, entry)
        self.note()

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        worker, entry = data.draw(st.sampled_from(self.said))
        before, retries = places(self.ledger), self.ledger.recorded.retries
        self.fold(worker, entry)
        assert places(self.ledger) == before
        assert self.ledger.recorded.retries == retries

    @rule(worker=WORKERS)
    def lose(self, worker: tuple[str, str]) -> None:
        self.ledger.lose(worker, worker[1], SPEC, self.now)
        assert worker not in self.ledger.assigned
        self.note()

    @rule(worker=WORKERS, which=st.sets(st.integers(0, TASKS + 3), max_size=6))
    def adopt(self, worker: tuple[str, str], which: set[int]) -> None:
        others = {i for key, held in self.ledger.assigned.items() if key != worker for i in held}
        own = set(self.ledger.assigned.get(worker, ()))
        refused = set(self.ledger.adopt(worker, BitMap(which)))
        assert refused == (which - own) & (others | set(self.outcomes) | set(range(TASKS, 99)))

    @rule(worker=WORKERS, which=st.sets(st.integers(0, TASKS - 1)))
    def release(self, worker: tuple[str, str], which: set[int]) -> None:
        self.ledger.release(worker, BitMap(which))

    @rule(seconds=st.floats(0, 3))
    def wake(self, seconds: float) -> None:
        self.now += seconds
        self.ledger.wake(self.now)
        assert (self.ledger.next_retry() or inf) > self.now

    @rule()
    def rebuild(self) -> None:
        before, old = places(self.ledger), self.ledger
        self.ledger = old.rebuilt(old.wanted, old.recorded, [], SPEC, self.now)
        assert places(self.ledger) == before
        assert (self.ledger.assigned, self.ledger.busy) == (old.assigned, old.busy)

    @invariant()
    def every_index_is_in_exactly_one_place(self) -> None:
        everything = sorted(i for indexes in places(self.ledger).values() for i in indexes)
        assert everything == list(range(TASKS))

    @invariant()
    def the_first_outcome_stands(self) -> None:
        for index, outcome in self.outcomes.items():
            assert index in places(self.ledger)[outcome]

    @invariant()
    def what_is_busy_is_assigned_to_one_worker(self) -> None:
        held = [i for indexes in self.ledger.assigned.values() for i in indexes]
        assert sorted(held) == list(self.ledger.busy)

    @invariant()
    def what_each_worker_holds_is_counted(self) -> None:
        counts = {key: len(held) for key, held in self.ledger.assigned.items()}
        assert self.ledger.held_counts == counts

    @invariant()
    def who_holds_more_than_runs_there_has_something_waiting(self) -> None:
        waiting = {key for key in self.ledger.assigned if self.ledger.queued(key)}
        assert self.ledger.waiting_at() == waiting


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyOrderOfEvents = LedgerMachine.TestCase


def test_a_retry_is_not_taken_away_by_the_old_failure_heard_again():
    ledger = a_ledger()
    ledger.assign_fresh(A, 1)
    entry = an_entry(failed=[a_failure(0)])
    ledger.fold(A, "n1", entry, SPEC, 0.0)
    ledger.wake(1.0)
    ledger.assign_ready(A, BitMap([0]))
    ledger.fold(A, "n1", entry, SPEC, 1.1)
    assert ledger.assigned == {A: BitMap([0])}
    assert ledger.recorded.tries[0] == Tries(1, 1, 0)


def test_an_index_that_failed_again_waits_as_long_as_its_last_failure_says():
    ledger = a_ledger()
    ledger.assign_fresh(A, 1)
    ledger.fold(A, "n1", an_entry(failed=[a_failure(0)]), SPEC, 0.0)
    ledger.adopt(A, BitMap([0]))
    ledger.fold(A, "n1", an_entry(failed=[a_failure(0, ended=1)]), SPEC, 0.5)
    ledger.wake(1.0)
    assert (list(ledger.ready), ledger.next_retry()) == ([], 2.5)
    ledger.wake(2.5)
    assert list(ledger.ready) == [0]


def test_facts_that_another_write_lacks_are_folded_without_touching_what_runs():
    ledger = a_ledger(4)
    ledger.assign_fresh(A, 3)
    entry = an_entry({1}, [a_failure(0), a_failure(2)])
    ledger.fold(A, "n1", entry, SPEC, 0.0)
    ledger.wake(1.0)
    ledger.assign_ready(B, BitMap([0]))
    stale = Recorded(succeeded=BitMap([3]))
    new = ledger.rebuilt(ledger.wanted, stale, [(A, "n1", entry)], SPEC, 1.2)
    assert list(new.recorded.succeeded) == [1, 3]
    assert new.assigned == {B: BitMap([0])}
    assert list(new.ready) == [2]
    assert new.recorded.tries == {0: Tries(1, 1, 0), 2: Tries(1, 1, 0)}
    assert new.recorded.retries == 2


def test_only_failures_are_counted_as_retries_and_only_losses_as_interruptions():
    ledger = a_ledger(4)
    ledger.assign_fresh(A, 4)
    ledger.running[A] = BitMap([1, 2])
    ledger.fold(A, "n1", an_entry(failed=[a_failure(0)]), SPEC, 0.0)
    ledger.lose(A, "n1", SPEC, 0.0)
    assert (ledger.recorded.retries, ledger.recorded.interruptions) == (1, 2)
    assert (list(ledger.ready), list(ledger.fresh)) == ([1, 2], [3])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
def test_a_new_leader_charges_what_the_last_one_had_not_written_down(order: tuple[int, int]):
    """Both attempts failed while no status could be written; two workers tell of them."""
    ledger = a_ledger(1)
    attempts = [(A, Failure(0, 0, "Error", 4, 0, "")), (B, Failure(0, 1, "Error", 4, 0, "", 1))]
    for number in order:
        worker, failure = attempts[number]
        ledger.fold(worker, worker[1], an_entry(failed=[failure]), SPEC, 0.0)
    assert ledger.recorded.tries == {0: Tries(2, 2, 0)}
    assert ledger.recorded.failures == 2


def test_the_last_failures_are_remembered_with_the_end_of_their_output():
    ledger = a_ledger()
    ledger.assign_fresh(A, 8)
    for index in range(8):
        failure = Failure(index, 0, "ExitCode", 3, 0, "x" * 1000 + "end")
        ledger.fold(A, "n1", an_entry(failed=[failure]), SPEC, 0.0)
    kept = ledger.recorded.recent_failures
    assert [one.index for one in kept] == [3, 4, 5, 6, 7]
    assert (len(kept[-1].tail), kept[-1].tail[-3:], kept[-1].exit_code) == (256, "end", 3)


def test_an_index_lost_too_often_with_its_worker_fails_and_says_why():
    ledger = a_ledger(1)
    for _ in range(3):
        ledger.assign_fresh(A, 1)
        ledger.assign_ready(A, ledger.ready.copy())
        ledger.running[A] = BitMap([0])
        ledger.crashed(A, BitMap([0]), "n1", SPEC, 0.0, blamed=0, slots=1, unheard_seconds=0.1)
        ledger.release(A, BitMap([0]))
    assert list(ledger.recorded.failed) == [0]
    assert ledger.recorded.recent_failures[-1].reason == "InterruptionLimitExceeded"


def test_the_run_time_of_a_task_is_learnt_from_what_was_reported():
    ledger = a_ledger(100)
    ledger.assign_fresh(A, 100)
    ledger.fold(A, "n1", Entry(1, 0, [(0, 49)], [], [], 5.0), SPEC, 0.0)
    assert ledger.seconds_per_task == 0.1
    ledger.fold(A, "n1", Entry(2, 0, [(50, 99)], [], [], 50.0), SPEC, 0.0)
    assert 0.1 < ledger.seconds_per_task < 1.0
