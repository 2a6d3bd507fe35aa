"""``suspend``: nothing starts, what runs is ended without charge, and all goes on later."""

from pathlib import Path

from tests.support.jobs import Jobs, condition
from tests.support.tasks import Ledger, Mark, once
from tests.support.transitions import Watch, assert_lawful, ended


def test_17_nothing_is_started_of_a_job_created_suspended(
    jobs: Jobs, watch: Watch, ledger: Ledger, tmp_path: Path
):
    jobs.apply("still", ledger.command(), completions=3, suspend=True)
    jobs.kubectl("wait", "--for=condition=Suspended", "djob/still", "--timeout=60s")
    # A later job runs from start to end meanwhile.
    jobs.apply("later", Ledger(tmp_path / "later").command(), completions=30)
    ended(watch, "later", "Complete", "CompletionsReached")
    status = jobs.status("still")
    assert ledger.lines == []
    assert (status["phase"], status["pending"], status["running"]) == ("Suspended", 3, 0)
    assert condition(status, "Suspended")["reason"] == "JobSuspended"
    assert "startTime" not in status
    assert_lawful(watch.versions("still"))


def test_18_running_tasks_end_when_suspended_and_are_no_failures(
    jobs: Jobs, watch: Watch, ledger: Ledger, tmp_path: Path
):
    mark, gate = Mark(), tmp_path / "gate"
    jobs.apply(
        "ended",
        ledger.command(once(gate)),
        completions=5,
        backoffLimitPerIndex=0,
        template={"env": mark.env},
    )
    ledger.wait_for(3)
    jobs.patch("ended", {"suspend": True})
    jobs.kubectl("wait", "--for=condition=Suspended", "djob/ended", "--timeout=60s")
    assert mark.processes == []
    status = jobs.status("ended")
    assert (status["running"], status["pending"], status["failures"]) == (0, 5, 0)
    gate.touch()
    jobs.patch("ended", {"suspend": False})
    status = ended(watch, "ended", "Complete", "CompletionsReached")
    assert (status["failures"], status["failed"], status["interruptions"]) == (0, 0, 0)
    assert ledger.indexes == [0, 0, 1, 1, 2, 2, 3, 4]


def test_19_a_task_runs_again_only_after_its_last_attempt_has_ended(
    jobs: Jobs, watch: Watch, ledger: Ledger
):
    """It takes a second to die, and may run on any of three nodes the next time."""
    dying = f"trap '{ledger.note('dying')}; sleep 1; {ledger.note('end')}; exit 1' TERM"
    wait = '[ "$DJOB_ATTEMPT" -gt 1 ] || { sleep 300 & wait; }'
    jobs.apply(
        "again",
        ["sh", "-c", "; ".join([dying, ledger.note("begin"), wait, ledger.note("end")])],
        retryPolicy={"initialSeconds": 0, "placement": "OtherNode"},
        template={"timeoutSeconds": 1},
    )
    status = ended(watch, "again", "Complete", "CompletionsReached")
    assert ledger.lines == ["begin", "dying", "end", "begin", "end"]
    assert status["failures"] == 1


def test_25_the_running_count_follows_suspend_and_resume(jobs: Jobs, watch: Watch):
    jobs.apply("swing", ["sleep", "300"], completions=5)
    assert jobs.wait_running("swing", 3)["running"] == 3
    jobs.patch("swing", {"suspend": True})
    assert jobs.wait_phase("swing", "Suspended")["running"] == 0
    jobs.patch("swing", {"suspend": False})
    status = jobs.wait_running("swing", 3)
    assert (status["running"], status["phase"]) == (3, "Running")
    assert condition(status, "Suspended")["reason"] == "JobResumed"
    jobs.patch("swing", {"cancel": True})
    ended(watch, "swing", "Cancelled", "CancelledByUser")
