"""The table: what Kubernetes' own Job suites show, and what became of it here."""

import re
from typing import Final

ROWS: Final = {
    1: "run a job to completion when tasks succeed",
    2: "Indexed job with completion indexes and specified hostname",
    3: "tasks sometimes fail and are locally restarted",
    4: "tasks sometimes fail and are not locally restarted",
    5: "fail to exceed backoffLimit",
    6: "fail when exceeds active deadline",
    7: "execute all indexes despite some failing with backoffLimitPerIndex",
    8: "terminate when the failed indexes exceed maxFailedIndexes",
    9: "record the failure-count when using backoffLimitPerIndex",
    10: "mark indexes as failed on FailIndex",
    11: "failure policy on exit code fails the job early",
    12: "ignore failure matching on exit code",
    13: "ignore failure matching on DisruptionTarget",
    14: "successPolicy, all indexes succeeded",
    15: "successPolicy succeededIndexes, some indexes remain pending",
    16: "successPolicy succeededCount",
    17: "no pods when created in suspend state",
    18: "delete pods when suspended",
    19: "recreate pods only after they have failed",
    20: "remove pods when job is deleted",
    21: "delete a job",
    22: "adopt matching orphans and release non-matching pods",
    23: "apply changes to a job status",
    24: "manage the lifecycle of a job",
    25: "update the status ready field",
    26: "delegate reconciliation to external controller",
    27: "run a job to completion with CPU requests",
    28: "PodFailurePolicyWithFailedPodDeletedDuringControllerRestart",
    29: "JobFailedWithInterrupts",
    30: "OrphanPodsFinalizersClearedOnRestart, WithGC",
    31: "FinalizersClearedWhenBackoffLimitExceeded",
    32: "JobPodsCreatedWithExponentialBackoff, DelayedPodDeletion",
    33: "ElasticIndexedJob",
    34: "DelayTerminalPhaseCondition, SuccessPolicy",
    35: "SuspendJob, SuspendJobControllerRestart, NodeSelectorUpdate",
    36: "PodReplacementPolicyFeatureToggling, ManagedBy_RecreatedJob",
    37: "LargeIndexedJob, LargeFailureHandling",
}
"""Number of a row, and the Kubernetes test it stands for."""

DOES_NOT_APPLY: Final = {
    33: "completions is immutable: an index that was reported stays one; parallelism and rerun"
    " are what changes a job that runs",
}

WORDS: Final = {"passed": "passes", "failed": "FAILS", "error": "FAILS", "skipped": "SKIPPED"}


def row_of(nodeid: str) -> int | None:
    """The row that a test shows, by its name."""
    found = re.search(r"tests/conformance/.*::test_(\d\d)_", nodeid)
    return int(found[1]) if found else None


def lines(outcomes: dict[int, str]) -> list[str]:
    """The table as text, a row a line.

    Args:
        outcomes: of each row that was run, how pytest calls what became of it.
    """
    table = []
    for row, name in ROWS.items():
        if row in DOES_NOT_APPLY:
            verdict = f"does not apply: {DOES_NOT_APPLY[row]}"
        else:
            verdict = WORDS.get(outcomes.get(row, ""), "not run")
        table.append(f"{row:2}  {name:<68}  {verdict}")
    return table
