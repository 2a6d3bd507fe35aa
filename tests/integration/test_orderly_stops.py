"""Told to stop with tasks in flight: nothing is lost, and the ledger outside agrees."""

from collections.abc import Callable
from typing import Any

from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Component
from tests.support.jobs import Jobs
from tests.support.tasks import Ledger
from tests.support.waiting import wait_until

TASKS = 400


def start_job(running: Cluster, ledger: Ledger) -> Jobs:
    """A job of short tasks, of which some are running when this returns."""
    jobs = Jobs(running, "default")
    command = ["sh", "-c", f"sleep 0.05; {ledger.note('$DJOB_INDEX', '$DJOB_NODE')}"]
    jobs.apply("flight", command, completions=TASKS)
    ledger.wait_for(20)
    return jobs


def assert_counted_once(status: dict[str, Any], ledger: Ledger) -> None:
    assert (status["phase"], status["succeeded"], status["failed"]) == ("Complete", TASKS, 0)
    assert status["completedIndexes"] == f"0-{TASKS - 1}"
    assert set(ledger.indexes) == set(range(TASKS))


def leading(running: Cluster) -> Component:
    """The operator that holds the Lease."""

    def find() -> list[Component]:
        lease = ("get", "lease", "-n", "djob-system", "distributedjob")
        done = running.kubectl(*lease, "-o", "jsonpath={.spec.holderIdentity}")
        name = done.stdout.split("_")[0]
        return [each for each in running.operators if each.name == name and each.alive]

    return wait_until(find, bool, 30, "an operator leads")[0]


def test_a_leader_told_to_stop_hands_the_tasks_in_flight_over(
    cluster: Callable[..., Cluster], ledger: Ledger
) -> None:
    running = cluster(nodes=2, operators=2)
    jobs = start_job(running, ledger)
    stopped = leading(running)
    stopped.stop()
    assert leading(running).name != stopped.name

    status = jobs.wait_phase("flight", "Complete", "Failed", timeout=90)

    assert_counted_once(status, ledger)
    # No worker was lost, so no task was begun a second time.
    assert len(ledger.lines) == TASKS
    assert status["interruptions"] == 0


def test_a_worker_told_to_stop_and_started_again_works_on(
    cluster: Callable[..., Cluster], ledger: Ledger
) -> None:
    running = cluster(nodes=2)
    jobs = start_job(running, ledger)
    worker = running.workers[0]
    worker.stop()
    before = [line for line in ledger.lines if line.endswith("node-1")]
    worker.start()

    status = jobs.wait_phase("flight", "Complete", "Failed", timeout=90)

    assert_counted_once(status, ledger)
    assert len([line for line in ledger.lines if line.endswith("node-1")]) > len(before)
    # Only what ran at the moment of the stop may have run twice.
    assert len(ledger.lines) <= TASKS + 1
