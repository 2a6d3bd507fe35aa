"""Many indexes: all of them right, all of them wrong. The real sizes are the benchmark's."""

from tests.support.jobs import Jobs
from tests.support.tasks import Ledger
from tests.support.transitions import Watch, ended

MANY = 10_000


def test_37_ten_thousand_indexes_succeed_and_ten_thousand_fail(
    jobs: Jobs, watch: Watch, ledger: Ledger
):
    jobs.apply("right", ledger.command(), completions=MANY)
    status = ended(watch, "right", "Complete", "CompletionsReached", timeout=100)
    assert (status["succeeded"], status["completedIndexes"]) == (MANY, f"0-{MANY - 1}")
    assert ledger.indexes == list(range(MANY))

    jobs.apply("wrong", ["false"], completions=MANY, backoffLimitPerIndex=0)
    status = ended(watch, "wrong", "Failed", "FailedIndexes", timeout=100)
    assert (status["failed"], status["failedIndexes"]) == (MANY, f"0-{MANY - 1}")
    assert (status["failures"], status["succeeded"], status["running"]) == (MANY, 0, 0)
