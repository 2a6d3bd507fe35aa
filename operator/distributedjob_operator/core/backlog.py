"""The jobs that wait for a slot and hold none, kept in the order of their turns.

Ten thousand jobs that wait for two slots must not cost ten thousand looks a round: a job
takes its place when something about it changes, and a round looks at the first ones.
Those that wait for nodes to change come last, so that they keep nobody from a slot; then
the higher priority is first, namespaces take turns, and within each it is the job that was
served least recently, then the oldest. Jobs that ask for the same of a node queue up together,
so that thousands for which the nodes are full keep none from the others.
"""

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from distributedjob_api import reasons
from distributedjob_operator.core.job import Job, Shape

Group = tuple[str, str]
"""A pool and a namespace, which share it with others."""

Queue = tuple[str, str, Shape]
"""A group, and what its jobs ask of a node."""

Turn = tuple[float, float, str, str]
"""When a job was served last, when it was created, its name, its uid."""

Rank = tuple[bool, int]
"""Whether there is no place for a job; the priority, the highest first."""


class Place(NamedTuple):
    """Where a job stands."""

    queue: Queue
    rank: Rank
    turn: Turn


class Backlog:
    """Whose turn is next in each pool."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._pools: dict[str, dict[Rank, dict[Queue, list[Turn]]]] = {}
        self._served: dict[Group, float] = {}

    def note(self, job: Job) -> None:
        """Give a job the place that it has now, or none."""
        place = _place(job) if _waits(job) else None
        if place == self._places.get(job.uid):
            return
        self.drop(job.uid)
        if place is not None:
            self._places[job.uid] = place
            lines = self._pools.setdefault(place.queue[0], {}).setdefault(place.rank, {})
            bisect.insort(lines.setdefault(place.queue, []), place.turn)

    def drop(self, uid: str) -> None:
        """Let a job stand nowhere."""
        place = self._places.pop(uid, None)
        if place is None:
            return
        ranks = self._pools[place.queue[0]]
        line = ranks[place.rank][place.queue]
        del line[bisect.bisect_left(line, place.turn)]
        if not line:
            del ranks[place.rank][place.queue]
            if not ranks[place.rank]:
                del ranks[place.rank]

    def serve(self, job: Job, now: float) -> None:
        """A job was given something."""
        job.served_at = self._served[_group(job)] = now

    def served_at(self, group: Group) -> float:
        """When a namespace was last given something in a pool."""
        return self._served.get(group, float("-inf"))

    def pools(self) -> list[str]:
        """The pools in which jobs wait."""
        return [pool for pool, ranks in self._pools.items() if ranks]

    def first(self, pool: str, occupied: Mapping[Group, int]) -> Iterator[str]:
        """The uids of a pool's jobs in their order, one of each namespace and shape at a time.

        Args:
            pool: which.
            occupied: millicores that each namespace holds there; the least goes first.
        """
        ranks = self._pools.get(pool, {})
        for rank in sorted(ranks):
            lines = sorted(
                ranks[rank].items(),
                key=lambda one: (
                    occupied.get(one[0][:2], 0),
                    self.served_at(one[0][:2]),
                    one[1][0],
                ),
            )
            left, depth = [line for _, line in lines], 0
            while left:
                yield from (line[depth][-1] for line in left)
                depth += 1
                left = [line for line in left if len(line) > depth]

    def priorities(self) -> dict[str, Counter[int]]:
        """By pool, how many jobs of each priority wait."""
        found: dict[str, Counter[int]] = {}
        for pool, ranks in self._pools.items():
            counts = found[pool] = Counter()
            for (_, lowered), lines in ranks.items():
                counts[-lowered] += sum(map(len, lines.values()))
        return found


def _waits(job: Job) -> bool:
    """Whether a slot is all that a job lacks."""
    return (
        job.ledger.quiet
        and job.dispatchable
        and job.spec.parallelism != 0
        and bool(job.ledger.ready or job.fresh_supply)
    )


def _group(job: Job) -> Group:
    return job.spec.pool, job.namespace


def turn_of(job: Job) -> Turn:
    """Where a job stands among those of its namespace that occupy as much."""
    return job.served_at, job.created_at, job.name, job.uid


def _place(job: Job) -> Place:
    return Place(
        (*_group(job), job.shape),
        (job.waiting in reasons.NO_PLACE, -job.spec.priority),
        turn_of(job),
    )
