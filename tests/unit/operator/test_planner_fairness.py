"""Who is next, and where: priority, namespaces, eligible nodes, memory, being passed over."""

import time
from dataclasses import replace
from typing import Any

import pytest

from distributedjob_api.indexes import BitMap
from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core.fleet import Fleet, Worker
from distributedjob_operator.core.job import Job, from_object
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.planner import TakeBack, plan
from distributedjob_operator.core.policy.nodes import Taint
from distributedjob_operator.core.policy.retry import Tries
from distributedjob_operator.core.tried import Tried
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World
from tests.support.worlds import UID, a_world, edit, heard, started
from tests.unit.operator.test_planner import a_fleet, a_plannable, a_round, held

N1, N2 = ("default", "n1"), ("default", "n2")


def busy(*jobs: Job) -> list[int]:
    return [len(job.ledger.busy) for job in jobs]


def test_a_higher_priority_gets_all_it_can_use_first():
    low = a_plannable("low", completions=100)
    high = a_plannable("high", completions=3, priority=10)
    a_round([low, high], a_fleet(2, 2))
    assert busy(low, high) == [1, 3]


def test_a_lower_priority_gets_nothing_while_a_higher_one_has_work():
    low = a_plannable("low", completions=100, priority=-1)
    high = a_plannable("high", completions=100)
    a_round([low, high], a_fleet(2, 2))
    assert busy(low, high) == [0, 4]


def test_a_higher_priority_passes_what_only_waits_of_a_lower_one():
    low, fleet = a_plannable("low", completions=10_000, seconds=0.001), a_fleet(2)
    a_round([low], fleet)
    high = a_plannable("high", completions=100, priority=1)
    a_round([low, high], fleet)
    assert busy(high) == [2]


def test_what_runs_of_a_lower_priority_stays():
    low, fleet = a_plannable("low", completions=100, seconds=30.0), a_fleet(2)
    a_round([low], fleet)
    high = a_plannable("high", completions=100, priority=1)
    assert not a_round([low, high], fleet)


def test_namespaces_share_equally_then_their_jobs():
    jobs = [
        from_object(a_job(name, namespace=namespace, completions=100))
        for name, namespace in [("a", "one"), ("b", "one"), ("c", "one"), ("d", "two")]
    ]
    a_round(jobs, a_fleet(6, 6))
    assert busy(*jobs) == [2, 2, 2, 6]


def turns(cpus: int, jobs: list[tuple[str, str]], rounds: int) -> dict[str, int]:
    """How many tasks of each job ran in so many rounds."""
    world = World(Leader(5, "me", "ns/name"), FakeWorker("n1", cpus * 1000))
    world.leader.take_over([], [a_node("n1", cpus)], at(0))
    world.deliver()
    world.report_all()
    for name, namespace in jobs:
        body = job_body(name, namespace=namespace, completions=1000, uid=name)
        world.leader.job_seen(parse(body), at(0))
    world.deliver()
    for _ in range(rounds):
        for job in world.leader.jobs.values():
            job.ledger.seconds_per_task = 5.0
        world.tick(seconds=0.5)
    ran = [uid for uid, _ in world.workers[N1].ran]
    return {name: ran.count(name) for name, _ in jobs}


def test_one_slot_goes_round_between_jobs():
    counts = turns(1, [("a", "one"), ("b", "one"), ("c", "one")], 30)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_one_slot_goes_round_between_namespaces():
    counts = turns(1, [("a", "one"), ("b", "one"), ("c", "one"), ("d", "two")], 36)
    assert abs(counts["d"] - 18) <= 1


def test_more_jobs_than_slots_take_turns():
    counts = turns(3, [(name, "one") for name in "abcd"], 40)
    assert max(counts.values()) - min(counts.values()) <= 2


def test_short_tasks_with_a_queue_leave_a_turn_to_a_job_whose_part_is_less_than_a_slot():
    first, fleet = a_plannable("a", completions=10_000, seconds=0.001), a_fleet(1)
    a_round([first], fleet)
    second = a_plannable("b", completions=100)
    a_round([second, first], fleet)
    assert busy(second) == [1]


@pytest.mark.parametrize("change", [{"suspend": True, "suspendMode": "Drain"}, {"cancel": True}])
def test_a_job_that_drains_or_ends_holds_its_slots(change: dict[str, Any]):
    world = a_world(2, completions=2)
    world.workers[N1].graceful = True
    started(world)
    edit(world, **change)
    world.leader.job_seen(a_job("other", completions=9), at(0))
    heard(world)
    assert list(world.workers[N1].jobs) == [UID]
    world.workers[N1].finish()
    heard(world)
    assert len(world.workers[N1].jobs["uid-other"].queued) == 2


def test_what_a_worker_still_holds_against_the_record_occupies_it():
    first, fleet = a_plannable("a", completions=2, parallelism=0), a_fleet(1, 1)
    first.ledger.stray[N1] = BitMap([0])
    second = a_plannable("b", completions=2)
    a_round([first, second], fleet)
    assert held(second) == {"n2": 1}


def with_node(fleet: Fleet, name: str, **fields: Any) -> Fleet:
    fleet.nodes[name] = replace(fleet.nodes[name], **fields)
    return fleet


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        pytest.param({}, {"n1"}, id="a taint keeps away"),
        pytest.param({"nodeSelector": {"disk": "ssd"}}, set(), id="a label and a taint"),
        pytest.param(
            {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"operator": "Exists"}]},
            {"n2"},
            id="a label, and the taint tolerated",
        ),
        pytest.param({"tolerations": [{"operator": "Exists"}]}, {"n1", "n2"}, id="any taint"),
    ],
)
def test_only_eligible_nodes_get_tasks(spec: dict[str, Any], where: set[str]):
    taints = (Taint("dedicated", "x", "NoSchedule"),)
    fleet = with_node(a_fleet(2, 2), "n2", labels={"disk": "ssd"}, taints=taints)
    job = a_plannable(completions=4, **spec)
    a_round([job], fleet)
    assert set(held(job)) == where


def test_what_waits_at_a_node_that_became_ineligible_is_taken_back():
    job, fleet = a_plannable(completions=10, seconds=1.0), a_fleet(1, 1)
    a_round([job], fleet)
    job.ledger.running[N1] = BitMap([job.ledger.assigned[N1].min()])
    with_node(fleet, "n1", taints=(Taint("k", "v", "NoExecute"),))
    back = [one for one in plan([job], fleet, 0.0) if isinstance(one, TakeBack)]
    queued = job.ledger.queued(N1)
    assert queued
    assert TakeBack(job.uid, N1, queued) in back


def test_memory_limits_how_many_tasks_a_node_gets():
    job, fleet = a_plannable(completions=10, memory="400Mi"), a_fleet(8)
    a_round([job], fleet)
    assert held(job) == {"n1": 2}


def test_memory_is_shared_between_jobs():
    fleet = a_fleet(8)
    jobs = [a_plannable(name, completions=10, memory="300Mi") for name in "ab"]
    a_round(jobs, fleet)
    assert sum(busy(*jobs)) == 3
    other = a_plannable("c", completions=10)
    a_round([*jobs, other], fleet)
    assert busy(other) == [5]


def test_a_second_of_work_waits_behind_what_memory_holds():
    job = a_plannable(completions=1000, memory="400Mi", seconds=0.1)
    a_round([job], a_fleet(8))
    assert held(job) == {"n1": 2 * 11}


# -- retries -----------------------------------------------------------------------


def a_retrier(placement: str, **nodes: int) -> Job:
    """Of each node so many failed tasks that ask for their place."""
    total = sum(nodes.values())
    job = a_plannable(completions=total, retryPolicy={"placement": placement})
    job.ledger.fresh, job.ledger.ready = BitMap(), BitMap(range(total))
    places = [name for name, count in nodes.items() for _ in range(count)]
    job.ledger.failed_on = dict(enumerate(places))
    job.ledger.recorded.tries = Tried(dict.fromkeys(range(total), Tries(1, 1, 0)))
    return job


@pytest.mark.parametrize("node", ["n1", "n2"])
def test_a_retry_on_the_same_node_runs_there(node: str):
    job = a_retrier("SameNode", **{node: 1})
    a_round([job], a_fleet(2, 2))
    assert held(job) == {node: 1}


def test_a_retry_on_the_same_node_waits_for_a_slot_there():
    job, fleet = a_retrier("SameNode", n1=3), a_fleet(2, 2)
    a_round([job], fleet)
    assert held(job) == {"n1": 2}


@pytest.mark.parametrize("placement", ["SameNode", "OtherNode"])
def test_a_retry_whose_node_has_vanished_runs_anywhere(placement: str):
    job = a_retrier(placement, gone=1)
    a_round([job], a_fleet(2))
    assert held(job) == {"n1": 1}


def test_a_retry_on_the_same_node_does_not_wait_for_a_cordoned_one():
    job = a_retrier("SameNode", n1=1)
    a_round([job], a_fleet(2, 2, cordoned=("n1",)))
    assert held(job) == {"n2": 1}


def test_placed_retries_stay_within_parallelism():
    job = a_retrier("SameNode", n1=2, n2=2)
    job.spec = a_job(completions=4, parallelism=3, retryPolicy={"placement": "SameNode"}).spec
    a_round([job], a_fleet(4, 4))
    assert busy(job) == [3]


def test_a_round_with_very_many_placed_retries_is_quick():
    job, fleet = a_retrier("SameNode", n1=30_000, n2=30_000), a_fleet(*[4] * 50)
    began = time.perf_counter()
    a_round([job], fleet)
    assert held(job) == {"n1": 4, "n2": 4}
    assert time.perf_counter() - began < 1.0


def test_never_more_counters_are_begun_than_a_status_can_hold():
    job = a_plannable(completions=1_000_000, seconds=0.001)
    fleet = a_fleet(*[64] * 20)
    for _ in range(3):
        a_round([job], fleet)
    assert len(job.ledger.busy) == 65_536


# -- passed over -------------------------------------------------------------------


def test_a_large_task_passed_over_for_long_claims_a_slot():
    small, fleet = a_plannable("small", completions=100, seconds=30.0), a_fleet(4)
    a_round([small], fleet)
    large = a_plannable("large", completions=1, cpu="4")
    assert not plan([large, small], fleet, 0.0)
    large.unserved_since = -10.0
    a_round([large, small], fleet)
    assert busy(large) == [1]


def test_a_claim_moves_to_a_slot_that_falls_free_elsewhere():
    long, fleet = a_plannable("long", completions=2, seconds=3600.0), a_fleet(1, 1)
    a_round([long], fleet)
    for key, indexes in long.ledger.assigned.items():
        long.ledger.running[key] = indexes.copy()
    late = a_plannable("late", completions=1)
    late.unserved_since = -10.0
    a_round([late, long], fleet)
    (claimed,) = held(late)
    other = N2 if claimed == "n1" else N1
    long.ledger._unassign(other, long.ledger.assigned[other].copy())
    assert plan([late, long], fleet, 0.0) == [TakeBack(late.uid, ("default", claimed), BitMap([0]))]
    late.ledger.release(("default", claimed), BitMap([0]))
    a_round([late, long], fleet)
    assert held(late) == {other[1]: 1}
    assert not plan([late, long], fleet, 0.0)


def test_a_worker_that_has_yet_to_say_what_it_holds_gets_nothing():
    job, fleet = a_plannable(completions=4), a_fleet(2, 2)
    worker: Worker = fleet.workers[N1]
    worker.stated = False
    a_round([job], fleet)
    assert set(held(job)) == {"n2"}
