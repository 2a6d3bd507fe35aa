"""A leader and fake workers: jobs reach their outcome, each index counted once."""

import json
from collections import Counter
from typing import Any

import pytest

from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import reporting
from distributedjob_operator.core.leader import Leader
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World

UID = "uid-job"


def a_world(*cpus: float) -> World:
    """Nodes n1, n2, ... of so many CPUs with their workers, and no job."""
    nodes = [a_node(f"n{number}", count) for number, count in enumerate(cpus, start=1)]
    world = World(
        Leader(5, "me", "djob-system/distributedjob"),
        *(FakeWorker(node.name, node.cpu_millis) for node in nodes),
    )
    world.leader.take_over([], nodes, at(0))
    world.deliver()
    world.report_all()
    return world


def add(world: World, name: str = "job", **spec: Any) -> None:
    world.leader.job_seen(a_job(name, **spec), at(world.now))
    world.deliver()


def edit(world: World, version: int = 500_000, **spec: Any) -> None:
    body = job_body(version=version, **spec)
    body["metadata"]["generation"] = 2
    world.leader.job_seen(parse(body), at(world.now))
    world.deliver()


def last(world: World, uid: str = UID) -> dict[str, Any]:
    return world.statuses[uid][-1]


def ran(world: World, uid: str = UID) -> Counter[int]:
    return Counter(
        index for worker in world.workers.values() for one, index in worker.ran if one == uid
    )


def reconciling(status: dict[str, Any]) -> str:
    return next(one["reason"] for one in status["conditions"] if one["type"] == "Reconciling")


def test_a_job_completes_and_every_index_runs_once():
    world = a_world(1, 2)
    add(world, completions=100)
    world.run(UID)
    assert ran(world) == Counter(range(100))
    status = last(world)
    assert (status["phase"], status["succeeded"], status["completedIndexes"]) == (
        "Complete",
        100,
        "0-99",
    )


def test_only_the_wanted_indexes_run():
    world = a_world(2)
    add(world, completions=100, indexes="3-5,90")
    world.run(UID)
    assert ran(world) == Counter([3, 4, 5, 90])
    assert last(world)["progress"] == "4/4"


def test_each_task_gets_the_item_of_its_index():
    world = a_world(3)
    items = [f"item {index}" for index in range(9)]
    add(world, items=items, retryPolicy={"initialSeconds": 0})
    world.run(UID, lambda index, ended: "ExitCode" if index % 2 and not ended else "")
    worker = world.workers["default", "n1"]
    assert worker.items == {(UID, index): item for index, item in enumerate(items)}


def test_a_job_fails_when_an_index_is_out_of_retries():
    world = a_world(2)
    add(world, completions=10, backoffLimitPerIndex=2, retryPolicy={"initialSeconds": 0})
    world.run(UID, lambda index, ended: "ExitCode" if index in (3, 7) else "")
    status = last(world)
    assert (status["phase"], status["failedIndexes"], status["succeeded"]) == ("Failed", "3,7", 8)
    assert (status["retries"], ran(world)[3], ran(world)[0]) == (4, 3, 1)


def test_a_failure_that_passes_is_retried_after_its_back_off():
    world = a_world(2)
    add(world, completions=4)
    world.tick(lambda index, ended: "ExitCode" if index == 0 else "")
    failed_at = world.now
    while ran(world)[0] < 2:
        world.tick()
    assert 1.0 <= world.now - failed_at < 1.2
    world.run(UID)
    status = last(world)
    assert (status["phase"], status["retries"], status["failed"]) == ("Complete", 1, 0)


def test_a_cancelled_job_ends_its_tasks_and_counts_what_is_left():
    world = a_world(2)
    add(world, completions=10)
    world.tick()
    edit(world, completions=10, cancel=True)
    assert not any(
        job.queued or job.running for job in world.workers["default", "n1"].jobs.values()
    )
    world.tick()
    status = last(world)
    counts = {name: status[name] for name in ("succeeded", "cancelled", "pending", "running")}
    assert (status["phase"], counts) == (
        "Cancelled",
        {"succeeded": 2, "cancelled": 8, "pending": 0, "running": 0},
    )


def test_a_cancelled_job_is_over_only_when_nothing_of_it_runs():
    world = a_world(1)
    add(world, completions=10)
    worker = world.workers["default", "n1"]
    worker.graceful = True
    worker.start()
    world.report_all()
    edit(world, completions=10, cancel=True)
    for _ in range(5):
        world.report_all()
        world.deliver()
    assert (last(world)["phase"], len(worker.cancels)) == ("Cancelling", 1)
    worker.stop()
    world.report_all()
    world.deliver()
    assert last(world)["phase"] == "Cancelled"


def test_results_that_race_with_the_cancellation_are_counted():
    world = a_world(2)
    add(world, completions=10)
    worker = world.workers["default", "n1"]
    worker.start()
    worker.finish()
    edit(world, completions=10, cancel=True)
    world.tick()
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Cancelled", 2)


def test_a_cancelled_job_that_never_started_is_cancelled_at_once():
    world = a_world(1)
    add(world, completions=10, parallelism=0)
    edit(world, completions=10, parallelism=0, cancel=True)
    assert (last(world)["phase"], last(world)["cancelled"]) == ("Cancelled", 10)


def test_a_deleted_job_ends_its_tasks_everywhere():
    world = a_world(2, 2)
    add(world, completions=10)
    for worker in world.workers.values():
        worker.start()
    world.report_all()
    world.leader.job_gone(UID)
    world.deliver()
    world.report_all()
    world.deliver()
    world.report_all()
    world.deliver()
    assert not any(worker.jobs for worker in world.workers.values())


def test_a_worker_that_returns_with_a_deleted_job_ends_it():
    world = a_world(1)
    add(world, completions=10)
    worker = world.workers["default", "n1"]
    worker.start()
    world.now = 30.0
    world.deliver()
    world.leader.job_gone(UID)
    for _ in range(4):
        world.report_all()
        world.deliver()
    assert not worker.jobs
    assert len(worker.cancels) == 1


def test_a_paused_job_waits_and_goes_on_when_it_may():
    world = a_world(2)
    add(world, completions=10, parallelism=0)
    world.tick()
    assert (last(world)["phase"], reconciling(last(world))) == ("Pending", "Paused")
    edit(world, completions=10)
    world.run(UID)
    assert last(world)["phase"] == "Complete"


@pytest.mark.parametrize("parallelism", [1, 3])
def test_never_more_tasks_are_out_than_parallelism_allows(parallelism: int):
    world = a_world(4, 4)
    add(world, completions=50, parallelism=parallelism)
    most = 0
    while not world.leader.jobs[UID].finished:
        most = max(most, len(world.leader.jobs[UID].ledger.busy))
        world.tick()
    assert most == parallelism


def test_pausing_takes_back_what_waits():
    world = a_world(1)
    add(world, completions=10_000)
    world.tick()
    worker = world.workers["default", "n1"]
    assert len(worker.jobs[UID].queued) > 10
    worker.start()
    world.report_all()
    edit(world, completions=10_000, parallelism=0)
    world.report_all()
    world.deliver()
    assert len(worker.jobs[UID].queued) == 0
    assert len(world.leader.jobs[UID].ledger.busy) == 1


def test_an_unknown_pool_heals_when_a_worker_appears():
    world = a_world(1)
    add(world, completions=4, pool="gpu")
    world.tick()
    assert reconciling(last(world)) == "UnknownPool"
    joined(world, FakeWorker("n2", 2000, pool="gpu"))
    world.run(UID)
    assert last(world)["phase"] == "Complete"


def test_a_request_too_large_heals_when_a_node_is_large_enough():
    world = a_world(1)
    add(world, completions=4, cpu="3")
    world.tick()
    assert reconciling(last(world)) == "RequestTooLarge"
    joined(world, FakeWorker("n2", 4000))
    world.run(UID)
    assert last(world)["phase"] == "Complete"


def joined(world: World, worker: FakeWorker) -> None:
    world.workers[worker.key] = worker
    world.leader.node_seen(a_node(worker.name, worker.cpu_millis // 1000), at(world.now))
    reporting.hello(world.leader, worker.key, worker.hello(), at(world.now))
    world.deliver()


def test_two_jobs_of_different_sizes_both_complete_on_one_worker():
    world = a_world(2)
    add(world, "small", completions=50, cpu="250m")
    add(world, "large", completions=10, cpu="2")
    for uid in ("uid-small", "uid-large"):
        world.run(uid)
    assert last(world, "uid-small")["phase"] == last(world, "uid-large")["phase"] == "Complete"


def test_a_million_tasks_are_dispatched_and_counted_in_ranges():
    world = a_world(64)
    add(world, completions=1_000_000)
    for _ in range(20):
        world.tick()
    status = last(world)
    assert status["succeeded"] > 1_000
    assert len(json.dumps(status)) < 5_000
