"""How one index stands, or why it does not run, each with a message that says what to do."""

from datetime import datetime

from distributedjob_api import reason_words as words
from distributedjob_api.reasons import Explained, utc


def succeeded() -> Explained:
    """An index succeeded."""
    return words.SUCCEEDED, "The task succeeded."


def failed(job: str, index: int) -> Explained:
    """An index failed for good."""
    return words.FAILED, (
        f"The task failed for good: djob tasks {job} --indexes {index} shows how, and"
        f" djob logs {job} {index} what it wrote."
    )


def no_task() -> Explained:
    """An index is none of the job's."""
    return words.NOT_WANTED, "The index is not among the job's indexes; see spec.indexes."


def left_out() -> Explained:
    """An index is none of those that the rerun chose."""
    return (
        words.NOT_WANTED,
        "The task is not among spec.rerun.indexes, and stays without an outcome.",
    )


def running(node: str) -> Explained:
    """An index runs."""
    return words.RUNNING, f"The task runs on {node}."


def queued(node: str) -> Explained:
    """An index waits at a worker."""
    return words.QUEUED, f"The task waits on {node} behind others."


def backing_off(until: datetime) -> Explained:
    """An index failed and waits."""
    return words.BACKING_OFF, f"The task failed and is tried again at {utc(until)}."
