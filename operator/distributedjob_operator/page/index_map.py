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


def counts(standing: Standing) -> dict[str, int]:
    """How many tasks are in which state; states that none is in are left out."""
    sizes = {state: len(standing.chosen([state])) for state in ATTENTION}
    return {state: size for state, size in sizes.items() if size}


def cells(standing: Standing, at_most: int = AT_MOST) -> list[Cell]:
    """All tasks as at most so many cells, all of one size but the last."""
    wanted = standing.wanted
    size = -(-len(wanted) // at_most) or 1
    sets = [(state, standing.chosen([state])) for state in ATTENTION]
    found = []
    for start in range(0, len(wanted), size):
        first, last = wanted[start], wanted[min(start + size, len(wanted)) - 1]
        held = {state: members.range_cardinality(first, last + 1) for state, members in sets}
        found.append(Cell(first, last, {state: count for state, count in held.items() if count}))
    return found
