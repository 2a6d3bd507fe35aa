"""The invariants A-K, judged from the outside: ledger, watch history, faults, outputs.

Nothing here asks the system what it believes; its last status is compared with what
the tasks themselves wrote down. G and J are measured by the trial, K by the rows.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from distributedjob_api.indexes import CUT_MARK, BitMap, decode, parse_indexes
from tests.chaos.faults import Fault
from tests.chaos.history import Change
from tests.chaos.ledger import Run, by_index
from tests.chaos.workload import BACKOFF_LIMIT, Workload, digest

SLACK_SECONDS: Final = 2.5
"""A result is on its way for so long: a run that ended just before a cut may be lost."""

OBJECT_BYTES: Final = 1024 * 1024
TERMINAL: Final = ("Complete", "Failed", "Cancelled")
SHOWN: Final = 3
COUNTS: Final = ("succeeded", "failed", "failures", "interruptions")


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, and the evidence."""

    letter: str
    text: str


@dataclass(slots=True)
class Case:
    """All that was seen of one job."""

    name: str
    workload: Workload
    expected: tuple[str, ...]
    changes: list[Change]
    runs: list[Run]
    faults: list[Fault] = field(default_factory=list)
    outputs: dict[int, set[bytes]] = field(default_factory=dict)

    @property
    def status(self) -> dict[str, Any]:
        """The last one that was seen."""
        return self.changes[-1].status if self.changes else {}

    def sets(self) -> tuple[BitMap, BitMap]:
        """Which indexes succeeded, and which failed, by that status."""
        exact = self.status.get("exact") or {}
        return (
            self._set("completedIndexes", exact.get("completed", "")),
            self._set("failedIndexes", exact.get("failed", "")),
        )

    def _set(self, name: str, encoded: str) -> BitMap:
        text = self.status.get(name, "")
        if encoded and text.endswith(CUT_MARK):
            return decode(encoded)
        return parse_indexes(text, self.workload.tasks)

    def explained(self, run: Run) -> bool:
        """Whether a fault cut this run off, so that it may have been done again."""
        end = run.end if run.end is not None else run.start
        return any(one.explains(run.node, run.start, end, SLACK_SECONDS) for one in self.faults)


def check(case: Case) -> tuple[list[Violation], dict[str, int]]:
    """Judge a job: what is violated, and what was counted."""
    violations = [
        Violation(letter, f"{case.name}: {text}")
        for letter, invariant in INVARIANTS
        for text in _few(invariant(case))
    ]
    return violations, counted(case)


def counted(case: Case) -> dict[str, int]:
    """The figures of the report."""
    succeeded, failed = case.sets()
    whole = BitMap(run.index for run in case.runs if run.whole)
    attempts = {(run.index, run.attempt) for run in case.runs}
    outcomes = case.status.get("succeeded", 0) + case.status.get("failed", 0)
    outcomes += case.status.get("cancelled", 0)
    unaccounted = max(0, case.workload.tasks - outcomes)
    return {
        "tasks": case.workload.tasks,
        "runs": len(case.runs),
        "duplicates": len(case.runs) - len(attempts),
        "lost": unaccounted + len(succeeded - whole),
        "counted_twice": max(outcomes - case.workload.tasks, len(succeeded & failed)),
    }


def _few(texts: Iterator[str]) -> list[str]:
    found = list(texts)
    more = len(found) - SHOWN
    return found if more <= 0 else [*found[:SHOWN], f"and {more:,} more of this kind"]


def _every_index_has_one_outcome(case: Case) -> Iterator[str]:
    status, tasks = case.status, case.workload.tasks
    if status.get("phase") not in case.expected:
        yield f"ended as {status.get('phase')}, not as {' or '.join(case.expected)}"
    succeeded, failed = case.sets()
    total = sum(status.get(name, 0) for name in ("succeeded", "failed", "cancelled"))
    if total != tasks:
        yield f"{total:,} outcomes of {tasks:,} tasks"
    if (len(succeeded), len(failed)) != (status.get("succeeded", 0), status.get("failed", 0)):
        yield "counts and sets differ"
    for index in succeeded & failed:
        yield f"index {index} both succeeded and failed"
    if status.get("phase") != "Complete" and not case.workload.doomed:
        return
    for index in succeeded ^ case.workload.succeeded:
        yield f"index {index} has the wrong outcome"


def _a_success_ran_to_its_end(case: Case) -> Iterator[str]:
    good = BitMap(run.index for run in case.runs if run.code == 0)
    for index in case.sets()[0] - good:
        yield f"index {index} counts as succeeded and never ran to its end"
    failures = {(run.index, run.attempt) for run in case.runs if run.code}
    charged = case.status.get("failures", 0)
    if charged > len(failures):
        yield f"{charged} failures were charged, {len(failures)} attempts failed"
    for index, runs in by_index(case.runs).items():
        if len(runs) > BACKOFF_LIMIT + 1:
            # One that was cut off is charged to no limit, and the next has the next number.
            charged_to = {run.attempt for run in runs if not case.explained(run)}
            if len(charged_to) > BACKOFF_LIMIT + 1:
                yield f"index {index[1]} had {len(charged_to)} attempts of {BACKOFF_LIMIT + 1}"


def _only_what_was_cut_off_runs_again(case: Case) -> Iterator[str]:
    groups: dict[tuple[int, int], list[Run]] = {}
    for run in case.runs:
        groups.setdefault((run.index, run.attempt), []).append(run)
    for (index, attempt), runs in groups.items():
        unexplained = [run for run in runs if not case.explained(run)]
        if len(runs) > 1 and len(unexplained) > 1:
            where = ", ".join(f"{run.node} at {run.start:.2f}" for run in runs)
            yield f"attempt {attempt} of index {index} ran {len(runs)} times: {where}"


def _runs_of_an_index_do_not_overlap(case: Case) -> Iterator[str]:
    for (_, index), runs in by_index(case.runs).items():
        for first, second in pairwise(runs):
            if first.end is not None and first.end <= second.start + 0.02:
                continue
            # The later one may be what a worker began that came back from its pause.
            if not case.explained(first) and not case.explained(second):
                yield f"index {index} ran on {first.node} and {second.node} at once"


def _the_epoch_only_rises(case: Case) -> Iterator[str]:
    for before, after in _neighbours(case):
        if after.get("epoch", 0) < before.get("epoch", 0):
            yield f"epoch {after.get('epoch')} wrote after {before['epoch']}"


def _nothing_is_taken_back(case: Case) -> Iterator[str]:
    for before, after in _neighbours(case):
        if after.get("run", 0) != before.get("run", 0):
            continue
        for name in COUNTS:
            if after.get(name, 0) < before.get(name, 0):
                yield f"{name} went from {before[name]:,} down to {after.get(name, 0):,}"
        for kind in _terminal(before) - _terminal(after):
            yield f"the condition {kind} went away"
    for one in case.changes:
        if len(kinds := _terminal(one.status)) > 1:
            yield f"{' and '.join(sorted(kinds))} at once"


def _the_object_stays_small(case: Case) -> Iterator[str]:
    largest = max((one.bytes for one in case.changes), default=0)
    if largest >= OBJECT_BYTES:
        yield f"the object had {largest:,} bytes"


def _outputs_are_those_of_their_index(case: Case) -> Iterator[str]:
    for index, outputs in case.outputs.items():
        if wrong := outputs - {digest(index).encode()}:
            yield f"index {index} is said to have printed {wrong.pop()[:40]!r}"


def _neighbours(case: Case) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    statuses = [one.status for one in case.changes if one.kind != "DELETED"]
    yield from pairwise(statuses)


def _terminal(status: dict[str, Any]) -> set[str]:
    conditions = status.get("conditions") or ()
    return {c["type"] for c in conditions if c["status"] == "True" and c["type"] in TERMINAL}


def _listed_once(case: Case) -> Iterator[str]:
    status = case.status
    for kind, number in Counter(c["type"] for c in status.get("conditions") or ()).items():
        if number > 1:
            yield f"{number} conditions {kind}"


INVARIANTS: Final = (
    ("A", _every_index_has_one_outcome),
    ("B", _a_success_ran_to_its_end),
    ("C", _only_what_was_cut_off_runs_again),
    ("D", _runs_of_an_index_do_not_overlap),
    ("E", _the_epoch_only_rises),
    ("F", _nothing_is_taken_back),
    ("F", _listed_once),
    ("H", _the_object_stays_small),
    ("I", _outputs_are_those_of_their_index),
)
