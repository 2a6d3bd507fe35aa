"""A job's tasks as cells in index order, each with the state that asks for most attention."""

from dataclasses import dataclass
from typing import Final

from distributedjob_api.views import State
from distributedjob_operator.core.standing import Standing

AT_MOST: Final = 1024
"""Cells of a map: what a browser draws at once and a person still tells apart."""

ATTENTION: Final = (
    State.FAILED, State.RUNNING, State.QUEUED, State.PENDING, State.CANCELLED, State.SUCCEEDED,
)  # fmt: skip
"""A cell of several tasks has the state that comes first here."""

SHOWN: Final = (
    State.SUCCEEDED, State.FAILED, State.RUNNING, State.QUEUED, State.PENDING, State.CANCELLED,
)  # fmt: skip
"""The order of a bar and its legend."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Neighbouring tasks: the first and the last index, and how many are in which state."""

    first: int
    last: int
    counts: dict[str, int]

    @property
    def state(self) -> str:
        """The one that asks for most attention."""
        return next(state for state in ATTENTION if state in self.counts)

    @property
    def label(self) -> str:
        """What a pointer over it is told."""
        indexes = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        counts = ", ".join(f"{count:,} {state}" for state, count in self.counts.items())
        return f"{indexes}: {self.state if self.first == self.last else counts}"


class IndexMap:
    """The tasks of a job by state: how many, and as cells; each set is made once."""

    def __init__(self, standing: Standing) -> None:
        self._wanted = standing.wanted
        sets = standing.by_state()
        self._sets = [(state, sets[state]) for state in ATTENTION if sets.get(state)]

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks are in which state; states that none is in are left out."""
        return {state: len(members) for state, members in self._sets}

    def cells(self, at_most: int = AT_MOST) -> list[Cell]:
        """All tasks as at most so many cells, all of one size but the last."""
        wanted = self._wanted
        size = -(-len(wanted) // at_most) or 1
        found = []
        for start in range(0, len(wanted), size):
            first, last = wanted[start], wanted[min(start + size, len(wanted)) - 1]
            held = {
                state: members.range_cardinality(first, last + 1) for state, members in self._sets
            }
            found.append(Cell(first, last, {state: n for state, n in held.items() if n}))
        return found
