"""Workers and leaders that go: what runs is kept, what is no job's is ended."""

import json
from collections.abc import Callable
from pathlib import Path

from distributedjob_local.cluster import Cluster
from tests.support import crash_points
from tests.support.crash_points import CrashPoints, start_operator, wait_struck
from tests.support.jobs import Jobs
from tests.support.tasks import Ledger, Mark, once
from tests.support.transitions import Watch, ended
from tests.support.waiting import wait_until

Clusters = Callable[..., Cluster]


def test_13_lost_and_drained_workers_consume_no_retry(
    cluster: Clusters, ledger: Ledger, tmp_path: Path
):
    running = cluster(nodes=3)
    jobs, gate = Jobs(running, "default"), tmp_path / "gate"
    watch = Watch.begin(jobs)
    jobs.apply(
        "moved",
        ledger.command(once(gate)),
        completions=3,
        backoffLimitPerIndex=0,
        failurePolicy={"rules": [{"action": "Ignore", "onReasons": ["Interrupted"]}]},
    )
    ledger.wait_for(3)
    jobs.wait_running("moved", 3)
    running.workers[0].stop()
    running.workers[1].kill()
    assert running.kubectl("delete", "node", "node-2").returncode == 0
    gate.touch()
    status = ended(watch, "moved", "Complete", "CompletionsReached")
    assert (status["failures"], status["failed"], status["succeeded"]) == (0, 0, 3)
    assert status["interruptions"] == 1
    assert len(ledger.lines) == 5


def test_22_a_new_leader_adopts_what_runs_and_ends_what_is_no_job(
    points: CrashPoints, cluster: Clusters, ledger: Ledger, tmp_path: Path
):
    point = points.after_the_write(f"name == 'other' and {crash_points.HOLDS_A_RUNNING_TASK}")
    running = cluster(nodes=2)
    jobs, gate, kept, stray = Jobs(running, "default"), tmp_path / "gate", Mark(), Mark()
    watch = Watch.begin(jobs)
    jobs.apply("kept", ledger.command(once(gate)), template={"env": kept.env})
    ledger.wait_for(1)
    jobs.apply("other", ["sleep", "300"], template={"env": stray.env})
    wait_struck(running, point)
    # The name stands for another job when the next leader comes.
    jobs.kubectl("delete", "djob", "other")
    jobs.apply("other", ["true"], completions=2)
    assert stray.processes
    start_operator(running)
    stray.wait_gone()
    ended(watch, "other", "Complete", "CompletionsReached")
    assert kept.processes
    gate.touch()
    status = ended(watch, "kept", "Complete", "CompletionsReached")
    assert ledger.lines == ["0"]
    assert (status["interruptions"], status["retries"]) == (0, 0)


def test_30_jobs_deleted_while_no_leader_is_there_leave_nothing(
    points: CrashPoints, cluster: Clusters, ledger: Ledger
):
    point = points.after_the_write(f"name == 'orphan' and {crash_points.HOLDS_A_RUNNING_TASK}")
    running = cluster(nodes=3)
    jobs, mark = Jobs(running, "default"), Mark()
    ways = ("background", "foreground", "orphan")
    for number, way in enumerate(ways, 1):
        jobs.apply(way, ledger.command("sleep 300"), template={"env": mark.env})
        ledger.wait_for(number)
    wait_struck(running, point)
    for way in ways:
        jobs.kubectl("delete", "djob", way, f"--cascade={way}", "--wait=false")
    # The garbage collector, which is not here, would let the other two go later.
    assert {*names(jobs)} == {"foreground", "orphan"}
    assert mark.processes
    start_operator(running)
    mark.wait_gone()
    for way in names(jobs):
        free = json.dumps({"metadata": {"finalizers": None}})
        jobs.kubectl("patch", "djob", way, "--type=merge", "-p", free)
    assert names(jobs) == []
    assert len(ledger.lines) == 3


def names(jobs: Jobs) -> list[str]:
    """The jobs that exist."""
    return jobs.kubectl("get", "djob", "-o", "jsonpath={.items[*].metadata.name}").split()


def test_35_suspension_outlives_the_leader_and_selectors_change_only_then(
    points: CrashPoints, cluster: Clusters, ledger: Ledger, tmp_path: Path
):
    point = points.after_the_write(crash_points.IS_SUSPENDED)
    running = cluster(nodes=2)
    jobs, gate, mark = Jobs(running, "default"), tmp_path / "gate", Mark()
    watch = Watch.begin(jobs)
    command = ["sh", "-c", f"{ledger.note('$DJOB_INDEX $DJOB_NODE')}; {once(gate)}"]
    jobs.apply("paused", command, completions=4, template={"env": mark.env})
    ledger.wait_for(2)
    selector = json.dumps({"spec": {"nodeSelector": {"kubernetes.io/hostname": "node-2"}}})
    patch = ("patch", "djob", "paused", "--type=merge", "-p", selector)
    refused = running.kubectl("-n", "default", *patch)
    assert (refused.returncode, "suspend" in refused.stderr) == (1, True), refused.stderr
    jobs.patch("paused", {"suspend": True})
    wait_struck(running, point)
    start_operator(running)
    jobs.kubectl(*patch)
    # It is read, and still nothing runs.
    wait_until(
        lambda: jobs.status("paused").get("observedGeneration"),
        lambda seen: seen == 3,
        30,
        "the change is seen",
    )
    assert (jobs.status("paused")["phase"], mark.processes) == ("Suspended", [])
    gate.touch()
    jobs.patch("paused", {"suspend": False})
    ended(watch, "paused", "Complete", "CompletionsReached")
    assert {line.split()[1] for line in ledger.lines[2:]} == {"node-2"}
    assert len(ledger.lines) == 6
    wait_until(
        lambda: jobs.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}").split(),
        lambda reasons: {"Started", "Resumed", "CompletionsReached"} <= {*reasons},
        30,
        "the events are there",
    )
