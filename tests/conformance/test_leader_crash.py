"""The leader dies at the worst moment: at named points, not by chance."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

from distributedjob_local.cluster import Cluster
from tests.support import crash_points
from tests.support.crash_points import CrashPoints, start_operator, wait_struck
from tests.support.jobs import Jobs, condition
from tests.support.tasks import Ledger, Mark, once
from tests.support.transitions import Watch, ended, holding

Clusters = Callable[..., Cluster]


def test_28_a_verdict_is_reached_although_leader_and_evidence_are_lost(
    points: CrashPoints, cluster: Clusters, ledger: Ledger, tmp_path: Path
):
    before = points.before_the_write(crash_points.HOLDS_A_VERDICT)
    after = points.after_the_write(crash_points.HOLDS_A_VERDICT)
    running = cluster(nodes=2)
    jobs, gate, end, mark = Jobs(running, "default"), tmp_path / "gate", tmp_path / "end", Mark()
    watch = Watch.begin(jobs)
    jobs.apply(
        "doomed",
        [
            "sh",
            "-c",
            f"{ledger.note('$DJOB_INDEX $DJOB_NODE')};"
            f' [ "$DJOB_INDEX" -gt 0 ] || {{ {once(gate)}; exit 42; }};'
            f" trap '{once(end)}; exit 0' TERM; sleep 300 & wait",
        ],
        completions=2,
        failurePolicy={
            "rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]
        },
        template={"env": mark.env, "terminationGracePeriodSeconds": 120},
    )
    where = dict(line.split() for line in ledger.wait_for(2))
    gate.touch()
    wait_struck(running, before)
    assert condition(jobs.status("doomed"), "FailureTarget") == {}
    start_operator(running)
    wait_struck(running, after)
    assert holding(jobs.status("doomed")) & {"FailureTarget", "Failed"} == {"FailureTarget"}
    # What the worker had kept of the failed attempt is gone with its node.
    worker = running.workers[int(where["0"].removeprefix("node-")) - 1]
    worker.kill()
    shutil.rmtree(worker.environment["DJOB_STATE_DIR"])
    assert running.kubectl("delete", "node", where["0"]).returncode == 0
    start_operator(running)
    end.touch()
    status = ended(watch, "doomed", "Failed", "PodFailurePolicy")
    assert mark.processes == []
    assert (status["failed"], status["failedIndexes"]) == (1, "0")
    assert ledger.indexes == [0, 1]


def test_29_one_failure_of_ten_fails_the_job_although_its_leader_dies(
    points: CrashPoints, cluster: Clusters, ledger: Ledger, tmp_path: Path
):
    points.slow_api(0.5)
    point = points.after_the_write(crash_points.HOLDS_AN_OUTCOME)
    running = cluster(nodes=2)
    jobs, gate = Jobs(running, "default"), tmp_path / "gate"
    watch = Watch.begin(jobs)
    half = f'[ "$DJOB_INDEX" -lt 5 ] || {{ {once(gate)}; }}'
    jobs.apply(
        "tenth",
        ledger.command(half, '[ "$DJOB_INDEX" != 3 ]'),
        completions=10,
        backoffLimitPerIndex=0,
    )
    wait_struck(running, point)
    gate.touch()
    start_operator(running)
    status = ended(watch, "tenth", "Failed", "FailedIndexes")
    assert (status["completedIndexes"], status["failedIndexes"]) == ("0-2,4-9", "3")
    assert (status["succeeded"], status["failed"], status["failures"]) == (9, 1, 1)
    assert ledger.indexes == list(range(10))


def test_32_the_wait_between_attempts_grows_and_their_number_survives_the_leader(
    points: CrashPoints, cluster: Clusters, ledger: Ledger
):
    point = points.after_the_write(crash_points.HOLDS_A_RETRY)
    running = cluster(nodes=1)
    jobs = Jobs(running, "default")
    watch = Watch.begin(jobs)
    jobs.apply(
        "waits",
        ["sh", "-c", f"{ledger.note('$DJOB_ATTEMPT', '$(date +%s.%N)')}; exit 1"],
        backoffLimitPerIndex=3,
        retryPolicy={"initialSeconds": 2, "factor": 2, "maxSeconds": 3},
    )
    wait_struck(running, point)
    assert (len(ledger.lines), jobs.status("waits")["retries"]) == (1, 1)
    start_operator(running)
    status = ended(watch, "waits", "Failed", "FailedIndexes")
    attempts, starts = zip(*(line.split() for line in ledger.lines), strict=True)
    assert attempts == ("1", "2", "3", "4")
    first, second, third = (float(b) - float(a) for a, b in itertools.pairwise(starts))
    assert (first >= 2, 3 <= second < 8, 3 <= third < 8) == (True,) * 3, starts
    assert (status["failures"], status["retries"], status["failedIndexes"]) == (4, 3, "0")
