"""The laws of distribution on a small cluster in virtual time, as on a large one in bench/."""

from array import array

import pytest

from bench.load import Load, ideal, mixed
from bench.simulate import simulate


@pytest.fixture(scope="module")
def result() -> dict:
    """Two teams with three jobs each on eight nodes of four slots."""
    load = mixed(3000, jobs=6, namespaces=2, shortest=0.1, longest=3.0, seed=7)
    return simulate(8, 4, load)


def test_every_task_ends_once(result):
    assert result["tasks"] == 3000


def test_no_slot_idles_while_work_waits(result):
    assert result["utilisation"] >= 0.99


def test_equal_namespaces_get_equal_parts(result):
    assert result["fairness_error"] <= 0.02


def test_the_makespan_is_that_of_a_scheduler_without_delay(result):
    assert result["makespan_over_ideal"] <= 1.02


def test_a_thousand_tasks_of_mixed_lengths_on_eight_slots():
    load = mixed(1000, jobs=1, namespaces=1, shortest=0.1, longest=10.0, seed=1)
    result = simulate(4, 2, load)
    assert result["makespan_over_lower_bound"] <= 1.05


def test_no_task_waits_behind_a_longer_one_while_a_slot_is_free_elsewhere():
    # A node of one slot has a second of work ahead, in which two tasks turn out to be long:
    # the second one goes to the other node, or it would start after 32 s.
    lengths = array("d", [0.1] * 40 + [30.0, 30.0] + [0.1] * 40)
    result = simulate(2, 1, Load(["default"], [lengths]))
    assert result["makespan_seconds"] < 37


def test_the_ideal_hands_the_next_task_to_the_slot_that_falls_free():
    assert ideal(Load(["a"], [array("d", [3.0, 1.0, 1.0, 1.0])]), 2) == 3.0
