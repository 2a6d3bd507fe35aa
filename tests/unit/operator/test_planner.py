"""Distribution by available CPU, one round at a time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distributedjob_api.indexes import BitMap
from distributedjob_operator.core.fleet import Fleet, Worker
from distributedjob_operator.core.job import Job, from_object
from distributedjob_operator.core.planner import Decision, Grant, TakeBack, plan
from distributedjob_operator.core.policy.retry import Tries
from distributedjob_operator.core.tried import Tried
from tests.support.builders import a_job, a_node


def a_fleet(*cpus: int, cordoned: tuple[str, ...] = (), pool: str = "default") -> Fleet:
    fleet = Fleet()
    for number, count in enumerate(cpus, start=1):
        name = f"n{number}"
        fleet.nodes[name] = a_node(name, count, cordoned=name in cordoned)
        key = (pool, name)
        fleet.workers[key] = Worker(key, "i1", 1, name, "127.0.1.1", count * 1000, 2**30, 0.0)
    return fleet


def a_plannable(name: str = "job", *, seconds: float | None = None, **spec: object) -> Job:
    job = from_object(a_job(name, **spec))
    job.ledger.seconds_per_task = seconds
    return job


def carry_out(jobs: list[Job], decisions: list[Decision]) -> None:
    for decision in decisions:
        if isinstance(decision, Grant):
            job = next(job for job in jobs if job.uid == decision.uid)
            job.ledger.assign_ready(decision.worker, decision.ready)
            job.ledger.assign_fresh(decision.worker, decision.fresh)


def a_round(jobs: list[Job], fleet: Fleet) -> list[Decision]:
    decisions = plan(jobs, fleet, 0.0)
    carry_out(jobs, decisions)
    return decisions


def held(job: Job) -> dict[str, int]:
    return {name: len(indexes) for (_, name), indexes in job.ledger.assigned.items()}


JOBS = st.lists(
    st.fixed_dictionaries(
        {
            "completions": st.integers(1, 300),
            "cpu": st.sampled_from(["250m", "1", "3"]),
            "parallelism": st.sampled_from([None, None, 0, 1, 7]),
            "seconds": st.sampled_from([None, 0.001, 0.3, 20.0]),
        }
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), JOBS, st.integers(1, 4))
def test_a_plan_loses_nothing_repeats_nothing_and_overfills_no_slot(
    cpus: list[int], kinds: list[dict], rounds: int
):
    fleet = a_fleet(*cpus)
    jobs = [a_plannable(f"j{number}", **kind) for number, kind in enumerate(kinds)]
    for _ in range(rounds):
        a_round(jobs, fleet)
    for job in jobs:
        ledger = job.ledger
        out = [index for indexes in ledger.assigned.values() for index in indexes]
        assert sorted([*out, *ledger.fresh]) == list(ledger.wanted)
        if job.spec.parallelism is not None:
            assert len(out) <= job.spec.parallelism
        ahead = 0.0 if ledger.seconds_per_task is None else 1 / ledger.seconds_per_task
        for (_, name), indexes in ledger.assigned.items():
            slots = fleet.nodes[name].cpu_millis // job.cpu_millis
            assert 0 < len(indexes) <= slots + int(slots * ahead)
    if any(kind["seconds"] and kind["seconds"] < 1 for kind in kinds):
        return  # Behind short tasks, another job's may wait for their turn.
    for node in fleet.nodes.values():
        out = [len(job.ledger.assigned.get(("default", node.name), ())) for job in jobs]
        occupied = sum(n * job.cpu_millis for n, job in zip(out, jobs, strict=True))
        # Of the others, no more waits than the slots end in a second together.
        waiting = sum(
            int(node.cpu_millis // job.cpu_millis / job.ledger.seconds_per_task) * job.cpu_millis
            for job in jobs
            if job.ledger.seconds_per_task
        )
        assert occupied <= node.cpu_millis + waiting


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 40))
def test_no_slot_idles_while_a_task_waits(cpus: list[int], tasks: int):
    job = a_plannable(completions=tasks)
    a_round([job], a_fleet(*cpus))
    assert len(job.ledger.busy) == min(tasks, sum(cpus))


def test_tasks_spread_in_proportion_to_the_slots():
    job = a_plannable(completions=6)
    a_round([job], a_fleet(4, 8))
    assert held(job) == {"n1": 2, "n2": 4}


def test_two_jobs_share_the_cpu_equally():
    jobs = [a_plannable("a", completions=100), a_plannable("b", completions=100)]
    a_round(jobs, a_fleet(4, 4))
    assert [len(job.ledger.busy) for job in jobs] == [4, 4]


def test_what_a_small_job_leaves_goes_to_the_others():
    jobs = [a_plannable("a", completions=1), a_plannable("b", completions=100)]
    a_round(jobs, a_fleet(4, 4))
    assert [len(job.ledger.busy) for job in jobs] == [1, 7]


def test_a_long_queue_of_short_tasks_keeps_no_other_job_out():
    first, fleet = a_plannable("a", completions=100_000, seconds=0.001), a_fleet(2, 2)
    a_round([first], fleet)
    assert len(first.ledger.busy) > 1000
    second = a_plannable("b", completions=100)
    a_round([second, first], fleet)
    assert len(second.ledger.busy) == 2


def test_a_job_of_long_tasks_is_not_queued_behind():
    first, fleet = a_plannable("a", completions=100, seconds=30.0), a_fleet(2, 2)
    a_round([first], fleet)
    second = a_plannable("b", completions=100)
    a_round([second, first], fleet)
    assert not second.ledger.busy


@pytest.mark.parametrize(
    ("seconds", "queued"),
    [
        pytest.param(None, 2, id="none while the run time is unknown"),
        pytest.param(10.0, 2, id="none of a long task"),
        pytest.param(0.01, 202, id="a second of short ones"),
    ],
)
def test_a_second_of_work_waits_behind_the_running_tasks(seconds: float | None, queued: int):
    job = a_plannable(completions=100_000, seconds=seconds)
    a_round([job], a_fleet(2))
    assert len(job.ledger.busy) == queued


def test_a_task_larger_than_a_node_is_never_sent_there():
    job = a_plannable(completions=10, cpu="3", seconds=0.001)
    a_round([job], a_fleet(2, 4))
    assert set(held(job)) == {"n2"}


def test_a_cordoned_node_gets_nothing_and_gives_back_its_queue():
    fleet = a_fleet(1, 1, cordoned=("n1",))
    job = a_plannable(completions=10, seconds=30.0)
    job.ledger.assign_fresh(("default", "n1"), 3)
    job.ledger.running["default", "n1"] = BitMap([0])
    decisions = a_round([job], fleet)
    assert TakeBack(job.uid, ("default", "n1"), BitMap([1, 2])) in decisions
    assert held(job) == {"n1": 3, "n2": 1}


def test_a_queue_is_asked_back_once():
    fleet = a_fleet(1, 1, cordoned=("n1",))
    job = a_plannable(completions=10, seconds=30.0)
    job.ledger.assign_fresh(("default", "n1"), 3)
    fleet.workers["default", "n1"].returning[job.uid] = 4
    assert not any(isinstance(decision, TakeBack) for decision in plan([job], fleet, 0.0))


def test_near_the_end_what_waits_is_taken_back_for_an_idle_slot():
    fleet = a_fleet(1, 1)
    job = a_plannable(completions=6, seconds=1.0)
    job.ledger.assign_fresh(("default", "n1"), 6)
    job.ledger.running["default", "n1"] = BitMap([0])
    assert plan([job], fleet, 0.0) == [TakeBack(job.uid, ("default", "n1"), BitMap([3, 4, 5]))]


def test_short_work_is_not_moved_for_an_idle_slot():
    fleet = a_fleet(1, 1)
    job = a_plannable(completions=6, seconds=0.001)
    job.ledger.assign_fresh(("default", "n1"), 6)
    assert plan([job], fleet, 0.0) == []


def test_what_waits_beyond_a_lowered_parallelism_is_taken_back():
    fleet = a_fleet(1)
    job = a_plannable(completions=100, parallelism=2)
    job.ledger.assign_fresh(("default", "n1"), 10)
    job.ledger.running["default", "n1"] = BitMap([0])
    assert plan([job], fleet, 0.0) == [TakeBack(job.uid, ("default", "n1"), BitMap(range(2, 10)))]


def a_retrier(placement: str, *, node: str = "n1") -> Job:
    job = a_plannable(completions=1, retryPolicy={"placement": placement})
    job.ledger.fresh.discard(0)
    job.ledger.ready.add(0)
    job.ledger.recorded.tries[0] = Tries(1, 1, 0)
    job.ledger.failed_on[0] = node
    return job


@pytest.mark.parametrize("node", ["n1", "n2"])
def test_a_retry_on_another_node_runs_on_another_node(node: str):
    job = a_retrier("OtherNode", node=node)
    a_round([job], a_fleet(2, 2))
    assert node not in held(job)
    assert len(held(job)) == 1


def test_a_retry_on_another_node_waits_for_a_slot_there():
    job, fleet = a_retrier("OtherNode"), a_fleet(2, 1)
    other = a_plannable("other", completions=9, seconds=30.0)
    other.ledger.assign_fresh(("default", "n2"), 1)
    a_round([job, other], fleet)
    assert not held(job)


def test_a_retry_on_another_node_stays_where_there_is_none():
    job = a_retrier("OtherNode")
    a_round([job], a_fleet(2))
    assert held(job) == {"n1": 1}


def test_retries_are_handed_out_with_their_counters_before_fresh_ones():
    job = a_plannable(completions=5)
    job.ledger.fresh.discard(4)
    job.ledger.ready.add(4)
    decisions = plan([job], a_fleet(2), 0.0)
    assert decisions == [Grant(job.uid, ("default", "n1"), BitMap([4]), 1)]


def test_beyond_the_most_counters_no_fresh_index_is_begun():
    job = a_plannable(completions=100_000)
    tried = range(65_536)
    job.ledger.recorded.tries = Tried(dict.fromkeys(tried, Tries(1, 1, 0)))
    job.ledger.ready, job.ledger.fresh = BitMap(tried), BitMap(range(65_536, 100_000))
    a_round([job], a_fleet(4))
    assert set(job.ledger.busy) == {0, 1, 2, 3}


def test_each_pool_is_planned_for_itself():
    fleet = a_fleet(2)
    gpu = a_fleet(2, pool="gpu")
    fleet.workers.update(gpu.workers)
    jobs = [a_plannable("a", completions=9), a_plannable("b", completions=9, pool="gpu")]
    a_round(jobs, fleet)
    assert [set(job.ledger.assigned) for job in jobs] == [{("default", "n1")}, {("gpu", "n1")}]


def test_a_plan_of_a_large_pool_is_complete():
    job = a_plannable(completions=1_000_000, seconds=10.0)
    a_round([job], a_fleet(*[64] * 100))
    # Of tasks that take 10 s, 64 slots end six in a second: those wait behind.
    assert set(held(job).values()) == {64 + 6}
    assert len(held(job)) == 100


def test_long_tasks_of_a_small_request_do_not_wait_behind_another_job():
    large, fleet = a_plannable("a", completions=9, parallelism=1, seconds=20.0), a_fleet(1)
    small = a_plannable("b", completions=9, cpu="250m", seconds=20.0)
    a_round([large], fleet)
    a_round([small, large], fleet)
    assert (len(large.ledger.busy), len(small.ledger.busy)) == (1, 0)


def test_the_queue_counts_whole_slots_only():
    job = a_plannable(completions=99, cpu="3", seconds=0.3)
    a_round([job], a_fleet(4))
    assert held(job) == {"n1": 4}
