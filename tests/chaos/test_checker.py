"""The checker on histories made by hand: each invariant is seen to be violated."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import Case, check
from tests.chaos.faults import Fault
from tests.chaos.history import Change
from tests.chaos.ledger import Run
from tests.chaos.workload import Workload, digest

TASKS = 4


def status(**changes: Any) -> dict[str, Any]:
    whole = {
        "phase": "Complete",
        "succeeded": TASKS,
        "failed": 0,
        "completedIndexes": f"0-{TASKS - 1}",
        "epoch": 7,
        "conditions": [{"type": "Complete", "status": "True"}],
    }
    return {**whole, **changes}


def change(body: dict[str, Any], size: int = 1000) -> Change:
    metadata = {"uid": "u", "resourceVersion": "1"}
    return Change(0.0, "MODIFIED", {"metadata": metadata, "status": body}, size)


def ran(index: int, node: str = "node-1", start: float = 1.0, **changes: Any) -> Run:
    return replace(Run("j", index, 1, node, 1, start, start + 0.5, 0), **changes)


def case(*statuses: dict[str, Any], runs: list[Run] | None = None, **changes: Any) -> Case:
    whole = Case(
        "job",
        Workload(TASKS),
        ("Complete",),
        [change(one) for one in statuses or (status(),)],
        [ran(index) for index in range(TASKS)] if runs is None else runs,
    )
    return replace(whole, **changes)


def letters(given: Case) -> set[str]:
    return {one.letter for one in check(given)[0]}


def again(**changes: Any) -> list[Run]:
    return [*(ran(index) for index in range(TASKS)), ran(0, "node-2", 5.0, **changes)]


def test_a_history_without_fault_is_fine():
    violations, counts = check(case())
    assert violations == []
    assert counts == {"tasks": 4, "runs": 4, "duplicates": 0, "lost": 0, "counted_twice": 0}


@pytest.mark.parametrize(
    ("letter", "given"),
    [
        ("A", case(status(succeeded=3, completedIndexes="0-2"))),
        ("A", case(status(failed=1, failedIndexes="3"))),
        ("A", case(status(phase="Running"))),
        ("B", case(runs=[ran(index) for index in range(TASKS - 1)])),
        ("B", case(runs=[ran(0, end=None, code=None), *(ran(i) for i in range(1, TASKS))])),
        ("B", case(status(failures=1))),
        ("C", case(runs=again())),
        ("D", case(runs=[*(ran(i) for i in range(TASKS)), ran(0, "node-2", 1.2)])),
        ("E", case(status(epoch=9), status())),
        ("F", case(status(retries=1, failures=2), status())),
        ("F", case(status(), status(conditions=[]))),
        ("H", case(changes=[change(status(), 1024 * 1024)])),
        ("I", case(outputs={2: {b"wrong"}})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_violation_is_seen(letter: str, given: Case):
    assert letter in letters(given)


def test_the_right_output_is_fine():
    assert letters(case(outputs={2: {digest(2).encode()}})) == set()


def test_what_a_fault_cut_off_may_run_again():
    cut = Fault("kill -9", "worker-1", frozenset({"node-1"}), start=1.2, end=2.0)
    assert letters(case(runs=again(), faults=[cut])) == set()


def test_what_a_paused_worker_begins_as_it_comes_back_may_overlap():
    late = ran(0, "node-1", 1.2, end=None, code=None)
    runs = [ran(0, "node-2"), late, *(ran(index) for index in range(1, TASKS))]
    paused = Fault("pause", "worker-1", frozenset({"node-1"}), start=0.1, end=1.2)
    assert letters(case(runs=runs, faults=[paused])) == set()


def attempts_of_one(number: int) -> list[Run]:
    made = [ran(0, start=5.0 + n, attempt=n, code=3) for n in range(1, number + 1)]
    return [*(ran(index) for index in range(1, TASKS)), *made, ran(0, "node-2", 9.0)]


def test_more_failures_than_the_limit_allows_are_a_violation():
    assert "B" in letters(case(runs=attempts_of_one(3)))


def test_an_attempt_that_was_cut_off_is_charged_to_no_limit():
    cut = Fault("kill -9", "worker-1", frozenset({"node-1"}), start=5.0, end=7.0)
    assert letters(case(runs=attempts_of_one(3), faults=[cut])) == set()


def test_a_fault_elsewhere_explains_nothing():
    cut = Fault("kill -9", "worker-3", frozenset({"node-3"}), start=1.2, end=2.0)
    assert "C" in letters(case(runs=again(), faults=[cut]))


def test_lost_and_counted_twice_are_figures():
    lost = check(case(status(succeeded=3, completedIndexes="0-2")))[1]
    assert (lost["lost"], lost["counted_twice"]) == (1, 0)
    twice = check(case(status(failed=1, failedIndexes="3")))[1]
    assert (twice["lost"], twice["counted_twice"]) == (0, 1)
