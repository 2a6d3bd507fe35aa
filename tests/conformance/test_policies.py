"""``failurePolicy`` and ``successPolicy``."""

from collections import Counter
from typing import Any

from tests.support.jobs import Jobs, condition
from tests.support.tasks import Ledger, Mark
from tests.support.transitions import Watch, ended

AT_ONCE = {"initialSeconds": 0}


def on_exit_code(action: str, code: int) -> dict[str, Any]:
    """A policy of one rule."""
    rule = {"action": action, "onExitCodes": {"operator": "In", "values": [code]}}
    return {"rules": [rule]}


def test_10_an_exit_code_fails_its_index_without_retry(jobs: Jobs, watch: Watch, ledger: Ledger):
    jobs.apply(
        "index",
        ledger.command('[ "$DJOB_INDEX" -gt 0 ] || exit 42', '[ "$DJOB_INDEX" -gt 1 ] || exit 1'),
        completions=3,
        backoffLimitPerIndex=1,
        failurePolicy=on_exit_code("FailIndex", 42),
        retryPolicy=AT_ONCE,
    )
    status = ended(watch, "index", "Failed", "FailedIndexes")
    assert (status["completedIndexes"], status["failedIndexes"]) == ("2", "0-1")
    assert ledger.indexes == [0, 1, 1, 2]


def test_11_an_exit_code_fails_the_job_early(jobs: Jobs, watch: Watch, ledger: Ledger):
    mark = Mark()
    jobs.apply(
        "early",
        ledger.command('[ "$DJOB_INDEX" -gt 0 ] || exit 42', "sleep 300"),
        completions=10,
        backoffLimitPerIndex=10,
        failurePolicy=on_exit_code("FailJob", 42),
        template={"env": mark.env},
    )
    status = ended(watch, "early", "Failed", "PodFailurePolicy")
    assert mark.processes == []
    assert Counter(ledger.indexes)[0] == 1
    assert "exit code 42" in condition(status, "Failed")["message"]
    assert "rules[0]" in condition(status, "FailureTarget")["message"]


def test_12_an_ignored_exit_code_consumes_no_retry(jobs: Jobs, watch: Watch, ledger: Ledger):
    jobs.apply(
        "ignored",
        ledger.command('[ "$DJOB_ATTEMPT" -ge 4 ] || exit 42'),
        completions=2,
        backoffLimitPerIndex=0,
        backoffLimit=0,
        failurePolicy=on_exit_code("Ignore", 42),
        retryPolicy=AT_ONCE,
    )
    status = ended(watch, "ignored", "Complete", "CompletionsReached")
    assert ledger.indexes == [0, 0, 0, 0, 1, 1, 1, 1]
    assert (status["failures"], status["failed"]) == (0, 0)


def test_14_success_policy_when_all_indexes_succeeded(jobs: Jobs, watch: Watch, ledger: Ledger):
    policy = {"rules": [{"succeededIndexes": "0-1"}]}
    jobs.apply("all", ledger.command(), completions=2, successPolicy=policy)
    status = ended(watch, "all", "Complete", "SuccessPolicy")
    assert condition(status, "SuccessCriteriaMet")["reason"] == "SuccessPolicy"
    assert (status["completedIndexes"], status["progress"]) == ("0-1", "2/2")
    assert ledger.indexes == [0, 1]


def test_15_success_policy_by_indexes_ends_the_others(jobs: Jobs, watch: Watch, ledger: Ledger):
    mark = Mark()
    jobs.apply(
        "first",
        ledger.command('[ "$DJOB_INDEX" = 0 ] || sleep 300'),
        completions=10,
        successPolicy={"rules": [{"succeededIndexes": "0"}]},
        template={"env": mark.env},
    )
    status = ended(watch, "first", "Complete", "SuccessPolicy")
    assert mark.processes == []
    assert (status["completedIndexes"], status["succeeded"]) == ("0", 1)
    assert (status["failed"], status["failures"], status["cancelled"]) == (0, 0, 9)


def test_16_success_policy_by_count_ends_the_others(jobs: Jobs, watch: Watch, ledger: Ledger):
    mark = Mark()
    jobs.apply(
        "any",
        ledger.command('[ "$DJOB_INDEX" = 1 ] || sleep 300'),
        completions=10,
        successPolicy={"rules": [{"succeededIndexes": "1-5", "succeededCount": 1}]},
        template={"env": mark.env},
    )
    status = ended(watch, "any", "Complete", "SuccessPolicy")
    assert mark.processes == []
    assert (status["completedIndexes"], status["succeeded"]) == ("1", 1)
