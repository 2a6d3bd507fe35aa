"""``itemsFrom``: the items of a ConfigMap, held to what was read first.

A run must never mix two versions of the list: the digest of what was read first is
recorded before anything is handed out, and a ConfigMap that says something else
afterwards stops the job with a condition, until it is as it was. It is looked at again
while anything of the job runs, so that this does not wait for the next leader, who
could not go on.
"""

import hashlib
import re
from typing import Final

from distributedjob_api import constants
from distributedjob_api.spec_rules import LARGE_JOB, LARGE_JOB_LIMIT
from distributedjob_operator.core import rerun
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import ReadItems
from distributedjob_operator.core.job import Items, Job
from distributedjob_operator.core.leader import Leader

ASK_AGAIN_SECONDS: Final = 2.0
LONGEST_SECONDS: Final = 60.0
"""The wait between two reads doubles up to this."""

ITEM_CHARACTERS: Final = 4096
"""As for an inline item."""

_PLAIN: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def ask_if_due(leader: Leader, job: Job, now: Instant) -> None:
    """Have the ConfigMap read, again and again until it says what it must."""
    source = job.spec.items_from
    if source is None or not _needed(job):
        job.items_asked, job.items_due_at = 0, float("-inf")
        return
    if job.items_known:
        if job.items_asked:
            # They have come since.
            job.items_asked, job.items_due_at = 0, now.mono + LONGEST_SECONDS
        if now.mono < job.items_due_at or job.ledger.quiet:
            return
        job.items_due_at = now.mono + LONGEST_SECONDS
    else:
        if job.items_asked and now.mono < job.items_due_at:
            return
        wait = ASK_AGAIN_SECONDS * 2.0 ** min(job.items_asked, 10)
        job.items_due_at = now.mono + min(wait, LONGEST_SECONDS)
        job.items_asked += 1
    reference = source.config_map_key_ref
    leader.effects.append(ReadItems(job.uid, job.namespace, reference.name, reference.key))


def next_look(job: Job) -> float:
    """When the ConfigMap is read again while nothing runs, on the leader's clock."""
    if job.spec.items_from is None or job.items_known or not _needed(job):
        return float("inf")
    return job.items_due_at


def were_read(leader: Leader, uid: str, text: str | None) -> None:
    """The answer: the text under the key, or None where it is not there."""
    job = leader.jobs.get(uid)
    if job is None or not _needed(job):
        # It ended or was suspended since it asked: whoever wants the lines then asks anew.
        return
    leader.awake[uid] = job
    lines = _lines(text) if text is not None else []
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    if text is None or job.items.digest not in ("", digest):
        if job.items_known:
            job.drop_items()
        job.items = Items(digest=job.items.digest, missing=text is None, changed=text is not None)
        return
    if job.items_known:
        return
    first = not job.items.digest
    job.take_items(lines, digest)
    job.problem = job.problem or _problem(job, lines)
    # What the indexes mean is recorded before any of them is handed out.
    job.barrier = job.barrier or first
    job.touch(urgent=True)


def not_read(leader: Leader, uid: str, why: str) -> None:
    """The API server did not say what the key holds, but ``why`` not."""
    job = leader.jobs.get(uid)
    if job is not None and not job.items_known:
        leader.awake[uid] = job
        job.items = Items(digest=job.items.digest, unreadable=why)


def _needed(job: Job) -> bool:
    """Whether anything of the job hangs on what its items are."""
    if job.finished:
        return rerun.asked_for(job)
    return not job.spec.cancel and not (job.spec.suspend and job.ledger.quiet)


def _lines(text: str) -> list[str]:
    """One item a line; line feeds alone part them, whatever else Unicode calls a break."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    return lines


def _problem(job: Job, lines: list[str]) -> str:
    """What the schema would have said of these items, had they been written inline."""
    if not lines:
        return "spec.itemsFrom: the ConfigMap's key is empty; write one item a line"
    if len(lines) > constants.MAX_COMPLETIONS:
        return f"spec.itemsFrom: more than {constants.MAX_COMPLETIONS:,} lines; split the job"
    limits = max(job.spec.backoff_limit_per_index, job.spec.interruption_limit)
    if len(lines) > LARGE_JOB and limits > LARGE_JOB_LIMIT:
        return (
            f"spec.itemsFrom: above {LARGE_JOB:,} lines, backoffLimitPerIndex and"
            f" interruptionLimit must not exceed {LARGE_JOB_LIMIT}; lower them or split the job"
        )
    for number, line in enumerate(lines, start=1):
        if len(line) > ITEM_CHARACTERS or not _PLAIN.fullmatch(line):
            return (
                f"spec.itemsFrom: line {number} is longer than {ITEM_CHARACTERS:,} characters or"
                " holds a control character other than tab"
            )
    return ""
