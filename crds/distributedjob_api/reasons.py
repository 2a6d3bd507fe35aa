"""Reasons of conditions, each with a message that says what to do.

Where ``batch/v1`` Job has a reason for the same thing, it is Job's.
"""

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime

from distributedjob_api import reason_words as words

Explained = tuple[str, str]
"""A CamelCase reason and the sentence that goes with it."""


NO_PLACE = frozenset(
    {"UnknownPool", "PoolNotServed", "NoUsableWorker", "NoMatchingNode", "RequestTooLarge"}
)
"""Why a job waits for nodes to change, and not for others to end."""

WAITS_FOR_SLOTS = NO_PLACE | {words.NO_FREE_CPU, words.NO_FREE_MEMORY, words.BACKING_OFF}
"""Why a job waits that depends on the nodes and on what others hold there."""


def completions_reached(tasks: int) -> Explained:
    """Every task succeeded."""
    return words.COMPLETIONS_REACHED, f"All {tasks:,} tasks succeeded."


def failed_indexes(failed: int, tasks: int, last: str) -> Explained:
    """Some tasks failed for good, the others ran."""
    because = f" The last one: {last}." if last else ""
    return (
        words.FAILED_INDEXES,
        f"{failed:,} of {tasks:,} tasks failed for good; see status.failedIndexes and"
        f" status.recentFailures.{because}",
    )


def left_out(undone: int, tasks: int) -> Explained:
    """A rerun did what it was to do, and other tasks never got an outcome."""
    return (
        words.INDEXES_LEFT_OUT,
        f"The tasks of spec.rerun.indexes succeeded; {undone:,} of {tasks:,} tasks that it left"
        ' out have no outcome. Set another token with indexes: "failed" to run them.',
    )


def cancelled(undone: int, tasks: int) -> Explained:
    """The job was cancelled before every task had an outcome."""
    return words.CANCELLED_BY_USER, f"Cancelled with {undone:,} of {tasks:,} tasks not done."


def ending(tasks: int, nodes: Sequence[str]) -> Explained:
    """It is certain how the job ends; tasks that still run are being ended."""
    where = ", ".join(nodes[:5]) + (", ..." if len(nodes) > 5 else "")
    return words.TERMINATING, f"Ending {tasks:,} tasks on {where or 'no node'}."


def invalid(problem: str) -> Explained:
    """The spec passed the schema and still makes no sense."""
    return words.INVALID_SPEC, f"{problem}. Delete the job and create it anew."


def rerun_refused(problem: str) -> Explained:
    """A token of ``rerun`` came with indexes that cannot be run."""
    return refusal(f"spec.rerun.indexes: {problem}; set another token with indexes that exist.")


def refusal(message: str) -> Explained:
    """What was said of a token that was refused."""
    return words.INVALID_SPEC, message


def is_refusal(reason: str, message: str) -> bool:
    """Whether a condition says that a token was refused."""
    return reason == words.INVALID_SPEC and message.startswith("spec.rerun.")


def progressing() -> Explained:
    """Tasks run."""
    return words.PROGRESSING, "Tasks are being run."


def at_work(running: int, waiting: int, nodes: int) -> Explained:
    """Tasks run, so many on so many nodes."""
    return (
        words.PROGRESSING,
        f"Tasks are being run: {running:,} at this moment on {nodes:,} nodes; {waiting:,} wait.",
    )


def paused() -> Explained:
    """``parallelism`` is 0."""
    return words.PAUSED, "spec.parallelism is 0; set it higher, or remove it, to go on."


def unknown_pool(pool: str, known: Sequence[str]) -> Explained:
    """No worker belongs to the pool."""
    names = ", ".join(known) or "none yet"
    return (
        words.UNKNOWN_POOL,
        f"No worker of pool {pool!r} has registered (pools seen: {names}). The job starts as"
        " soon as one does; spec.pool must name an existing pool.",
    )


def pool_not_served(pool: str, namespace: str) -> Explained:
    """The pool is there, and not for jobs of this namespace."""
    return (
        words.POOL_NOT_SERVED,
        f"Pool {pool!r} runs no jobs of namespace {namespace!r}. Create the job in one that it"
        " serves, or let an administrator add this one to the pool.",
    )


def no_usable_worker(pool: str) -> Explained:
    """All workers of the pool are cordoned, not ready or leaving."""
    return (
        words.NO_USABLE_WORKER,
        f"Every node of pool {pool!r} is cordoned, not ready or shutting down; uncordon one, or"
        " add one.",
    )


def too_large(requested: int, largest: int) -> Explained:
    """No node could ever hold one task."""
    return (
        words.REQUEST_TOO_LARGE,
        f"spec.template.resources.requests.cpu asks for {requested}m and the largest node"
        f" offers {largest}m. The job starts as soon as a node is large enough.",
    )


def too_much_memory(requested: int, largest: int) -> Explained:
    """No node could ever hold one task."""
    mebibyte = 1024 * 1024
    return (
        words.REQUEST_TOO_LARGE,
        "spec.template.resources.requests.memory asks for"
        f" {requested // mebibyte:,} Mi and the largest node offers {largest // mebibyte:,} Mi."
        " The job starts as soon as a node is large enough.",
    )


def no_free_cpu(higher: int, others: int) -> Explained:
    """Other tasks occupy every slot.

    Args:
        higher: jobs of the pool that have a higher priority.
        others: all other jobs of the pool that hold slots or wait for them.
    """
    if higher:
        return (
            words.NO_FREE_CPU,
            f"Every slot is taken, and jobs of a higher priority come first ({higher:,})."
            " Raise spec.priority, or add nodes to the pool.",
        )
    if others:
        return (
            words.NO_FREE_CPU,
            f"Every slot is taken; this job shares the pool with others ({others:,}) and gets its"
            " part as slots fall free.",
        )
    return words.NO_FREE_CPU, "Every slot is taken; this job gets the next one that falls free."


def no_free_memory(mebibytes: int) -> Explained:
    """CPU is free where memory is not."""
    return (
        words.NO_FREE_MEMORY,
        f"CPU is free, but the memory of its nodes is taken: a task asks for {mebibytes:,} Mi. The"
        " job goes on as other tasks end.",
    )


def suspending(tasks: int, *, drains: bool) -> Explained:
    """``suspend`` is true and tasks of the job have not ended."""
    what = "run to their end first" if drains else "are being ended"
    return words.SUSPENDING, f"spec.suspend is true; tasks that {what}: {tasks:,}."


def queued(nodes: Sequence[str]) -> Explained:
    """Workers hold tasks of the job, and run those of others."""
    where = ", ".join(nodes[:5]) + (", ..." if len(nodes) > 5 else "")
    return words.NO_FREE_CPU, f"Tasks wait on {where} until enough of what runs there has ended."


def silent(nodes: Sequence[str]) -> Explained:
    """No worker that holds tasks of the job is heard."""
    where = ", ".join(nodes[:5]) + (", ..." if len(nodes) > 5 else "")
    return (
        words.WORKERS_SILENT,
        f"No worker that holds tasks of the job answers ({where}). Their tasks may still run; they"
        " are given to others when their nodes are not ready or deleted, or after 5 minutes."
        " Check the workers and their connection to NATS.",
    )


def backing_off(tasks: int, until: datetime) -> Explained:
    """Only tasks that failed are left, and they wait for their next attempt."""
    return (
        words.BACKING_OFF,
        f"Only failed tasks are left ({tasks:,}); the next attempt starts at {utc(until)}. See"
        " status.recentFailures for what went wrong.",
    )


def taking_over(nodes: Iterable[str]) -> Explained:
    """A new leader waits for the workers' answers."""
    return (
        words.TAKING_OVER,
        f"A new leader asks {', '.join(heapq.nsmallest(5, nodes))} what they run before it hands"
        " out more.",
    )


def waiting_for_predecessor(name: str, nodes: Sequence[str]) -> Explained:
    """Tasks of a deleted job of the same name have not ended."""
    where = ", ".join(nodes[:5]) + (", ..." if len(nodes) > 5 else "")
    return (
        words.WAITING_FOR_PREDECESSOR,
        f"A job {name!r} was deleted and tasks of it have not ended on {where}; this one starts"
        " when they have.",
    )


def max_failed_indexes_exceeded(failed: int, limit: int) -> Explained:
    """More indexes failed for good than ``maxFailedIndexes`` allows."""
    return (
        words.MAX_FAILED_INDEXES_EXCEEDED,
        f"{failed:,} indexes failed for good, spec.maxFailedIndexes allows {limit:,}; see"
        " status.failedIndexes and status.recentFailures.",
    )


def backoff_limit_exceeded(failures: int, limit: int) -> Explained:
    """More attempts failed in all than ``backoffLimit`` allows."""
    return (
        words.BACKOFF_LIMIT_EXCEEDED,
        f"{failures:,} attempts failed, spec.backoffLimit allows {limit:,}; see"
        " status.recentFailures.",
    )


def failure_policy(index: int, reason: str, exit_code: int, rule: int) -> Explained:
    """A rule of ``failurePolicy`` ends the job; the reason's name is Job's."""
    what = f"exit code {exit_code}" if reason == "Error" else reason
    return (
        words.POD_FAILURE_POLICY,
        f"Task {index} ended with {what}, which spec.failurePolicy.rules[{rule}] answers with"
        " FailJob.",
    )


def deadline_exceeded(seconds: int) -> Explained:
    """The job was active for longer than ``activeDeadlineSeconds``."""
    return (
        words.DEADLINE_EXCEEDED,
        f"The job was active for longer than spec.activeDeadlineSeconds ({seconds:,} s); raise it"
        " and set a new spec.rerun.token to run what is left.",
    )


def success_policy(rule: int) -> Explained:
    """A rule of ``successPolicy`` holds."""
    return (
        words.SUCCESS_POLICY,
        f"spec.successPolicy.rules[{rule}] holds; the other tasks were ended.",
    )


def suspended() -> Explained:
    """``suspend`` is true."""
    return words.JOB_SUSPENDED, "spec.suspend is true; set it to false to go on."


def resumed() -> Explained:
    """``suspend`` was true once."""
    return words.JOB_RESUMED, "The job goes on."


def items_missing(name: str, key: str, *, begun: bool) -> Explained:
    """The ConfigMap of ``itemsFrom`` cannot be had, or no more since the job has ``begun``."""
    remedy = "restore it with the lines that the job began with" if begun else "create it"
    return (
        words.ITEMS_MISSING,
        f"ConfigMap {name!r} with key {key!r} is not there; {remedy}. It is looked for once"
        " a minute at least.",
    )


def items_changed(name: str) -> Explained:
    """The ConfigMap of ``itemsFrom`` is no longer what the run began with."""
    return (
        words.ITEMS_CHANGED,
        f"ConfigMap {name!r} changed after the job began, so that an index would mean another"
        " item; restore it, or delete the job and create it anew.",
    )


def items_unreadable(name: str, why: str) -> Explained:
    """The API server did not give the ConfigMap of ``itemsFrom`` out."""
    return (
        words.ITEMS_UNREADABLE,
        f"ConfigMap {name!r} could not be read: {why}. It is read again once a minute at least;"
        " its key must hold text, and the operator be allowed to get ConfigMaps of the namespace.",
    )


def reading_items(name: str) -> Explained:
    """The ConfigMap of ``itemsFrom`` is being read."""
    return words.READING_ITEMS, f"Reading the items from ConfigMap {name!r}."


def starting_over() -> Explained:
    """A rerun was asked for and is being recorded."""
    return words.RERUN, "A new spec.rerun.token was seen; the chosen tasks start over."


def recording() -> Explained:
    """Both limits are 0: what may start is written down before it does."""
    return (
        words.RECORDING,
        "Which tasks may start is being recorded; they start once that is written.",
    )


def no_matching_node(pool: str) -> Explained:
    """No node of the pool is allowed by ``nodeSelector`` and ``tolerations``."""
    return (
        words.NO_MATCHING_NODE,
        f"No usable node of pool {pool!r} matches spec.nodeSelector and is tolerated by"
        " spec.tolerations; label a node, remove its taint, or suspend the job and change them.",
    )


def of_parallelism(limit: int) -> Explained:
    """As many tasks are out as ``parallelism`` lets out."""
    return (
        words.PARALLELISM_REACHED,
        f"spec.parallelism is {limit:,} and so many tasks are out; raise it to run more.",
    )


def started() -> Explained:
    """The first task was handed out."""
    return words.STARTED, "Tasks are being run."


def stands_still() -> Explained:
    """Suspended, and nothing runs any more."""
    return words.SUSPENDED, "No task runs while spec.suspend is true."


def goes_on() -> Explained:
    """No longer suspended."""
    return words.RESUMED, "The job goes on."


def cancelling() -> Explained:
    """Cancelled, and something still runs."""
    return words.CANCELLING, "Tasks are being ended."


def utc(moment: datetime) -> str:
    """A moment as it stands in messages."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
