"""Attempts that failed, grouped by what went wrong, in bounded memory.

Records come as the journal stored them. Of each index that failed for good the latest
attempt says to which group the task belongs; every other attempt only counts.
"""

from array import array
from dataclasses import dataclass, field
from typing import Final

from distributedjob_api import task_reasons
from distributedjob_api.constants import MAX_COMPLETIONS
from distributedjob_api.indexes import BitMap, format_indexes
from distributedjob_api.messages import TaskRecord
from distributedjob_api.views import FailureExample, FailureGroup, Failures

EXAMPLES: Final = 3
TAIL_BYTES: Final = 2048
READABLE_CHARACTERS: Final = 1024

_Kind = tuple[str, int, int]


@dataclass(slots=True)
class _Group:
    number: int
    attempts: int = 0
    tasks: BitMap = field(default_factory=BitMap)
    examples: list[FailureExample] = field(default_factory=list)


class FailureGroups:
    """What is known after some records.

    Args:
        failed: the indexes that failed for good.
    """

    def __init__(self, failed: BitMap) -> None:
        self._failed = failed
        self._groups: dict[_Kind, _Group] = {}
        self._ranks = array("Q")
        self._numbers = array("I")

    def note(self, rank: int, node: str, record: TaskRecord) -> None:
        """Learn of an attempt; of one index a higher rank is a later attempt, and none is 0."""
        reason, index = record.reason, record.index
        if not reason or reason == task_reasons.STOPPED or not 0 <= index < MAX_COMPLETIONS:
            return
        kind = (reason, record.exit_code, record.signal)
        group = self._groups.setdefault(kind, _Group(len(self._groups)))
        group.attempts += 1
        if index in self._failed:
            self._reach(index)
            if rank >= self._ranks[index]:
                self._ranks[index], self._numbers[index] = rank, group.number
        self._show(group, node, record)

    def result(self) -> Failures:
        """The groups, those that cost most tasks first."""
        groups = list(self._groups.values())
        unrecorded = BitMap()
        for index in self._failed:
            if index < len(self._ranks) and self._ranks[index]:
                groups[self._numbers[index]].tasks.add(index)
            else:
                unrecorded.add(index)
        views = [_view(kind, group) for kind, group in self._groups.items()]
        views.sort(key=lambda view: (-view.tasks, -view.attempts, view.reason))
        return Failures(views, len(unrecorded), format_indexes(unrecorded, READABLE_CHARACTERS)[0])

    def _reach(self, index: int) -> None:
        missing = index + 1 - len(self._ranks)
        if missing > 0:
            for column in (self._ranks, self._numbers):
                column.frombytes(bytes(column.itemsize * missing))

    def _show(self, group: _Group, node: str, record: TaskRecord) -> None:
        """Keep a few attempts, of tasks that failed for good before others."""
        examples = group.examples
        if any(example.index == record.index for example in examples):
            return
        if len(examples) == EXAMPLES:
            passing = [e for e in examples if e.index not in self._failed]
            if record.index not in self._failed or not passing:
                return
            examples.remove(passing[-1])
        wrote = record.stderr.strip() or record.stdout.strip()
        tail = wrote[-TAIL_BYTES:].decode("utf-8", "replace")
        examples.append(FailureExample(record.index, record.attempt, node, tail))


def _view(kind: _Kind, group: _Group) -> FailureGroup:
    reason, exit_code, signal = kind
    indexes, _ = format_indexes(group.tasks, READABLE_CHARACTERS)
    return FailureGroup(
        reason, exit_code, signal, group.attempts, len(group.tasks), indexes, group.examples
    )
