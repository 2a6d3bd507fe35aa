"""What a user says about a job's time, order and outcome, on real parts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.jobs import Jobs, condition
from tests.support.tasks import Ledger, Mark, once
from tests.support.waiting import wait_until

AT_ONCE = {"initialSeconds": 0}


def rerun(jobs: Jobs, name: str, run: int, **how: str) -> dict[str, Any]:
    """Ask for another run and wait for its end."""
    jobs.patch(name, {"rerun": how})
    return wait_until(
        lambda: jobs.status(name),
        lambda status: (status["run"], "completionTime" in status) == (run, True),
        60,
        f"run {run} of {name} ends",
    )


def test_the_deadline_stands_still_while_a_job_is_suspended(jobs: Jobs, ledger: Ledger):
    jobs.apply("slow", ledger.command("sleep 300"), activeDeadlineSeconds=300)
    jobs.wait_running("slow")
    jobs.patch("slow", {"suspend": True})
    before = jobs.wait_for("slow", "Suspended")["activeSeconds"]
    deadline = int(before) + 3
    jobs.patch("slow", {"activeDeadlineSeconds": deadline})
    # Longer than the deadline: another job's tasks tell the time.
    jobs.apply("clock", ["sleep", "5"])
    jobs.wait_for("clock", "Complete")
    assert jobs.status("slow")["phase"] == "Suspended"
    jobs.patch("slow", {"suspend": False})
    status = jobs.wait_for("slow", "Failed")
    assert condition(status, "Failed")["reason"] == "DeadlineExceeded"
    assert before < deadline <= status["activeSeconds"] < before + 9
    assert len(ledger.lines) == 2


def test_a_job_is_deleted_when_its_time_to_live_is_over(jobs: Jobs):
    jobs.apply("brief", ["true"], ttlSecondsAfterFinished=1)
    jobs.kubectl("wait", "--for=delete", "djob/brief", "--timeout=60s")


def test_a_token_runs_failed_or_chosen_tasks_again(jobs: Jobs, ledger: Ledger, tmp_path: Path):
    gate = tmp_path / "gate"
    jobs.apply(
        "again",
        ledger.command(f"[ -e {gate} ] || exit $((DJOB_INDEX % 2))"),
        completions=4,
        backoffLimitPerIndex=0,
        rerun={"token": "created"},
    )
    # The token that a job is created with starts nothing again.
    status = jobs.wait_for("again", "Failed")
    assert (status["run"], status["rerunToken"], ledger.indexes) == (0, "created", [0, 1, 2, 3])
    gate.touch()
    status = rerun(jobs, "again", 1, token="second")
    assert (status["phase"], status["completedIndexes"], status["failed"]) == ("Complete", "0-3", 0)
    assert ledger.indexes == [0, 1, 1, 2, 3, 3]
    status = rerun(jobs, "again", 2, token="third", indexes="0,2")
    assert (status["phase"], status["completedIndexes"]) == ("Complete", "0-3")
    assert ledger.indexes == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_rerun_runs_what_it_chose_although_a_success_policy_held_before(
    jobs: Jobs, ledger: Ledger
):
    policy = {"rules": [{"succeededIndexes": "0-1"}]}
    jobs.apply("chosen", ledger.command(), completions=2, successPolicy=policy)
    jobs.wait_for("chosen", "Complete")
    status = rerun(jobs, "chosen", 1, token="again", indexes="1")
    assert (status["phase"], status["completedIndexes"]) == ("Complete", "0-1")
    assert ledger.indexes == [0, 1, 1]


def test_of_two_jobs_that_wait_the_one_of_higher_priority_goes_first(
    jobs: Jobs, ledger: Ledger, tmp_path: Path
):
    gate = tmp_path / "gate"
    jobs.apply("full", ["sh", "-c", once(gate)], completions=3, priority=10)
    jobs.wait_running("full", 3)
    for name, priority in (("low", 0), ("high", 5)):
        command = ["sh", "-c", f"{ledger.note('$DJOB_NAME')}; sleep 0.1"]
        jobs.apply(name, command, completions=12, priority=priority)
        jobs.wait_reason(name, "NoFreeCPU")
    gate.touch()
    jobs.wait_for("low", "Complete")
    # The last of them may wait behind each other while a slot elsewhere is free.
    assert ledger.lines[:6] == ["high"] * 6


def test_suspending_by_draining_lets_running_tasks_finish(
    jobs: Jobs, ledger: Ledger, tmp_path: Path
):
    gate = tmp_path / "gate"
    command = ledger.command(once(gate), ledger.note("$DJOB_INDEX", "done"))
    jobs.apply("drained", command, completions=5, suspendMode="Drain")
    jobs.wait_running("drained", 3)
    jobs.patch("drained", {"suspend": True})
    assert jobs.wait_seen("drained")["running"] == 3
    gate.touch()
    status = jobs.wait_for("drained", "Suspended")
    assert (status["succeeded"], status["pending"], status["running"]) == (3, 2, 0)
    assert ledger.indexes == [0, 0, 1, 1, 2, 2]
    jobs.patch("drained", {"suspend": False})
    jobs.wait_for("drained", "Complete")
    assert ledger.indexes == sorted([*range(5), *range(5)])


def test_suspending_now_ends_running_tasks(jobs: Jobs):
    mark = Mark()
    jobs.apply("ended", ["sleep", "300"], completions=3, template={"env": mark.env})
    jobs.wait_running("ended", 3)
    jobs.patch("ended", {"suspend": True, "suspendMode": "Now"})
    status = jobs.wait_for("ended", "Suspended")
    assert (status["running"], status["pending"], mark.processes) == (0, 3, [])


def test_every_end_can_be_waited_for(jobs: Jobs):
    jobs.apply("good", ["true"])
    jobs.apply("bad", ["false"], backoffLimitPerIndex=0)
    jobs.apply("stopped", ["sleep", "300"], cancel=True)
    jobs.apply("held", ["true"], suspend=True)
    for name, kind in (("good", "Complete"), ("bad", "Failed"), ("stopped", "Cancelled")):
        jobs.wait_for(name, kind)
        jobs.wait_for(name, "Finished")
    jobs.wait_for("held", "Suspended")


def test_events_tell_the_transitions_and_nothing_of_the_tasks(
    jobs: Jobs, ledger: Ledger, tmp_path: Path
):
    gate = tmp_path / "gate"
    first = f'[ "$DJOB_INDEX" != 0 ] || {{ {once(gate)}; }}'
    fails = '[ "$DJOB_ATTEMPT" -ge 2 ]'
    jobs.apply("told", ledger.command(first, fails), completions=60, retryPolicy=AT_ONCE)
    jobs.wait_running("told")
    for suspend, kind in ((True, "Suspended=true"), (False, "Suspended=false")):
        jobs.patch("told", {"suspend": suspend})
        jobs.wait_for("told", kind)
    gate.touch()
    status = jobs.wait_for("told", "Complete")
    assert status["retries"] >= 59
    wanted = ["CompletionsReached", "Resumed", "Started", "Suspended"]
    events = wait_until(
        lambda: json.loads(jobs.kubectl("get", "events.events.k8s.io", "-o", "json"))["items"],
        lambda found: {*wanted} <= {one["reason"] for one in found},
        30,
        "the events are there",
    )
    assert len(events) <= 10
    assert {one["regarding"]["name"] for one in events} == {"told"}
    described = jobs.kubectl("describe", "djob", "told")
    assert all(reason in described for reason in wanted)


@pytest.mark.parametrize(
    ("policy", "kept"), [("All", b"0\n1\n2\n"), ("Failed", b"1\n"), ("None", b"")]
)
def test_output_is_kept_as_the_policy_says(jobs: Jobs, policy: str, kept: bytes):
    command = ["sh", "-c", 'echo $DJOB_INDEX; [ "$DJOB_INDEX" != 1 ]']
    jobs.apply("loud", command, completions=3, backoffLimitPerIndex=0, output={"policy": policy})
    jobs.wait_for("loud", "Failed")
    done = subprocess.run(
        [sys.executable, "-m", "distributedjob_cli", "output", "loud", "-n", jobs.namespace],
        env={**os.environ, "KUBECONFIG": str(jobs.cluster.kubeconfig)},
        capture_output=True,
        check=False,
    )
    assert done.stdout == kept, done.stderr
