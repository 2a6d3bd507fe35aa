"""Workers and operators that die: the job goes on and nothing is lost."""

from collections.abc import Callable
from pathlib import Path

from distributedjob_local.cluster import Cluster
from tests.support.jobs import Jobs, lines
from tests.support.tasks import Ledger
from tests.support.waiting import wait_until


def test_tasks_of_a_killed_worker_run_elsewhere(cluster: Callable[..., Cluster], tmp_path: Path):
    running = cluster(nodes=3)
    jobs = Jobs(running, "default")
    ledger = tmp_path / "ledger"
    command = ["sh", "-c", f"sleep 0.2; echo $DJOB_INDEX $DJOB_NODE >> {ledger}"]
    jobs.apply("survivor", command, completions=150)
    jobs.wait_running("survivor", 3)
    running.workers[1].kill()
    status = jobs.wait_phase("survivor", "Complete", "Failed", timeout=90)
    assert (status["phase"], status["succeeded"]) == ("Complete", 150)
    assert {int(line.split()[0]) for line in lines(ledger)} == set(range(150))
    assert status["interruptions"] <= 1


def test_a_restarted_operator_goes_on_where_the_record_ends(
    cluster: Callable[..., Cluster], tmp_path: Path
):
    running = cluster(nodes=2)
    jobs = Jobs(running, "default")
    ledger = tmp_path / "ledger"
    command = ["sh", "-c", f"sleep 0.1; echo $DJOB_INDEX >> {ledger}"]
    jobs.apply("onward", command, completions=200)
    jobs.wait_running("onward", 2)
    running.operators[0].kill()
    running.operators[0].start()
    status = jobs.wait_phase("onward", "Complete", "Failed", timeout=90)
    assert (status["phase"], status["succeeded"]) == ("Complete", 200)
    assert sorted(int(line) for line in lines(ledger)) == list(range(200))


def test_a_task_that_brings_its_worker_down_fails_at_its_limit(
    cluster: Callable[..., Cluster], ledger: Ledger
):
    running = cluster(nodes=1)
    jobs, worker = Jobs(running, "default"), running.workers[0]
    jobs.apply("killer", ledger.command("sleep 1", "kill -9 $PPID"), interruptionLimit=1)
    for starts in (1, 2):
        ledger.wait_for(starts)
        wait_until(lambda: worker.alive, lambda alive: not alive, 30, "the worker is gone")
        worker.start()
    status = jobs.wait_phase("killer", "Complete", "Failed")
    assert (status["phase"], status["failedIndexes"], status["failures"]) == ("Failed", "0", 0)
    assert status["recentFailures"][-1]["reason"] == "InterruptionLimitExceeded"
    assert ledger.lines == ["0", "0"]
