"""Jobs that fail: by their limits, and at once."""

from pathlib import Path

from tests.support.jobs import Jobs
from tests.support.tasks import Ledger, Mark, once
from tests.support.transitions import Watch, ended, holding

AT_ONCE = {"initialSeconds": 0}


def test_05_fail_to_exceed_backoff_limit(jobs: Jobs, watch: Watch, ledger: Ledger):
    jobs.apply("limit", ledger.command("exit 1"), backoffLimit=2, retryPolicy=AT_ONCE)
    status = ended(watch, "limit", "Failed", "BackoffLimitExceeded")
    assert len(ledger.lines) == 3
    assert (status["failures"], status["succeeded"]) == (3, 0)
    assert "FailureTarget" in holding(status)


def test_06_fail_when_it_exceeds_its_active_deadline(jobs: Jobs, watch: Watch):
    mark = Mark()
    jobs.apply(
        "late",
        ["sleep", "300"],
        completions=5,
        activeDeadlineSeconds=1,
        template={"env": mark.env},
    )
    status = ended(watch, "late", "Failed", "DeadlineExceeded")
    assert mark.processes == []
    assert (status["failed"], status["failures"], status["cancelled"]) == (0, 0, 5)
    assert status["activeSeconds"] >= 1


def test_07_all_indexes_run_despite_some_failing(jobs: Jobs, watch: Watch, ledger: Ledger):
    jobs.apply(
        "some",
        ledger.command("exit $((DJOB_INDEX % 2))"),
        completions=4,
        backoffLimitPerIndex=1,
        retryPolicy=AT_ONCE,
    )
    status = ended(watch, "some", "Failed", "FailedIndexes")
    assert (status["completedIndexes"], status["failedIndexes"]) == ("0,2", "1,3")
    assert (status["failures"], status["succeeded"]) == (4, 2)
    assert ledger.indexes == [0, 1, 1, 2, 3, 3]


def test_08_more_failed_indexes_than_allowed_end_the_job_at_once(
    jobs: Jobs, watch: Watch, ledger: Ledger, tmp_path: Path
):
    mark, gate = Mark(), tmp_path / "gate"
    first = f'[ "$DJOB_INDEX" -gt 0 ] || {{ {once(gate)}; exit 1; }}'
    jobs.apply(
        "one",
        ledger.command(first, "sleep 300"),
        completions=10,
        backoffLimitPerIndex=0,
        maxFailedIndexes=0,
        template={"env": mark.env},
    )
    ledger.wait_for(3)
    gate.touch()
    status = ended(watch, "one", "Failed", "MaxFailedIndexesExceeded")
    assert mark.processes == []
    assert (status["failed"], status["failedIndexes"], status["cancelled"]) == (1, "0", 9)
    assert ledger.indexes == [0, 1, 2]


def test_31_a_burst_of_failures_ends_the_job_at_once(jobs: Jobs, watch: Watch, ledger: Ledger):
    mark = Mark()
    jobs.apply(
        "burst",
        ledger.command("exit 1"),
        completions=100,
        backoffLimit=0,
        template={"resources": {"requests": {"cpu": "30m"}}, "env": mark.env},
    )
    status = ended(watch, "burst", "Failed", "BackoffLimitExceeded")
    assert mark.processes == []
    assert (status["succeeded"], status["failed"]) == (0, 0)
    # Whatever had been started by then was heard; nothing ran twice.
    assert 1 <= status["failures"] <= 100
    assert len(set(ledger.indexes)) == len(ledger.indexes)
