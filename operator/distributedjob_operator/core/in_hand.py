"""What of a job is with workers: assigned to one, running there, or held against the record."""

from dataclasses import dataclass, field

from distributedjob_api.indexes import BitMap
from distributedjob_operator.core.effects import WorkerKey


@dataclass(slots=True)
class InHand:
    """The sets of each worker; an index is assigned to one worker at most."""

    busy: BitMap = field(init=False, default_factory=BitMap)
    """All that is assigned to any."""
    assigned: dict[WorkerKey, BitMap] = field(init=False, default_factory=dict)
    held_counts: dict[WorkerKey, int] = field(init=False, default_factory=dict)
    """How much is assigned to each: every round asks this of every worker."""
    running: dict[WorkerKey, BitMap] = field(init=False, default_factory=dict)
    """Of what is assigned, what was reported to run."""
    stray: dict[WorkerKey, BitMap] = field(init=False, default_factory=dict)
    """What workers hold that is not theirs, until they have ended it."""
    holders: set[WorkerKey] = field(init=False, default_factory=set)
    """Who was ever given any of it in this lead."""

    @property
    def quiet(self) -> bool:
        """Whether no worker holds anything, not even what it holds against the record."""
        return not self.busy and not self.stray

    def queued(self, worker: WorkerKey) -> BitMap:
        """What a worker holds and has not started, as far as is known."""
        held = self.assigned.get(worker)
        if held is None:
            return BitMap()
        return held - self.running.get(worker, BitMap())

    def waits_at(self, worker: WorkerKey) -> bool:
        """Whether a worker holds something it has not started, as far as is known."""
        return self.held_counts.get(worker, 0) > len(self.running.get(worker, ()))

    def waiting_at(self) -> set[WorkerKey]:
        """The workers that hold something they have not started, as far as is known."""
        return set(filter(self.waits_at, self.held_counts))

    def _hand_over(self, worker: WorkerKey, indexes: BitMap) -> None:
        if not indexes:
            return
        self.holders.add(worker)
        self.busy |= indexes
        held = self.assigned.get(worker)
        if held is None:
            held = self.assigned[worker] = BitMap()
        held |= indexes
        self.held_counts[worker] = len(held)

    def _unassign(self, worker: WorkerKey, indexes: BitMap) -> None:
        held = self.assigned.get(worker)
        if held is None:
            return
        self.busy -= indexes & held
        held -= indexes
        if held:
            self.assigned[worker] = held
            self.held_counts[worker] = len(held)
        else:
            del self.assigned[worker], self.held_counts[worker]
        runs = self.running.get(worker)
        if runs is not None:
            self.running[worker] = runs - indexes
