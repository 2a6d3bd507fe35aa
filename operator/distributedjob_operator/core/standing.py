"""Where each task of a job stands."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from distributedjob_api.constants import MAX_COMPLETIONS
from distributedjob_api.indexes import BitMap, take
from distributedjob_api.v1alpha1 import DistributedJob, Status
from distributedjob_api.views import State
from distributedjob_operator.core.job import TERMINAL, Job
from distributedjob_operator.core.policy.sense import wanted_indexes
from distributedjob_operator.core.recorded import recorded

NOWHERE: Final = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The tasks of a job by where they stand; those that run or wait, by node as well."""

    wanted: BitMap
    succeeded: BitMap
    failed: BitMap
    running: dict[str, BitMap] = field(default_factory=dict)
    queued: dict[str, BitMap] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    """Attempts that ended, of those without outcome that had any."""
    finished: bool = False
    held: BitMap = field(init=False)
    """What runs or waits at any node: of most indexes none need be asked."""

    def __post_init__(self) -> None:
        held = BitMap().union(*self.running.values(), *self.queued.values())
        object.__setattr__(self, "held", held)

    def of(self, index: int) -> tuple[str, str]:
        """The state of a wanted index, and the node that has it in hand."""
        if index in self.succeeded:
            return State.SUCCEEDED, NOWHERE
        if index in self.failed:
            return State.FAILED, NOWHERE
        if index in self.held:
            for state, nodes in ((State.RUNNING, self.running), (State.QUEUED, self.queued)):
                for node, held in nodes.items():
                    if index in held:
                        return state, node
        return (State.CANCELLED if self.finished else State.PENDING), NOWHERE

    def by_state(self) -> dict[str, BitMap]:
        """The wanted indexes, each in the set of its one state."""
        running = BitMap().union(*self.running.values())
        queued = BitMap().union(*self.queued.values()) - running
        done = self.succeeded | self.failed
        rest = self.wanted - done - running - queued
        sets = {
            State.SUCCEEDED: self.succeeded,
            State.FAILED: self.failed,
            State.RUNNING: running - done,
            State.QUEUED: queued - done,
            State.CANCELLED if self.finished else State.PENDING: rest,
        }
        return {state: self.wanted & members for state, members in sets.items()}

    def chosen(self, states: Iterable[str]) -> BitMap:
        """The wanted indexes in any of these states; in any at all where none is named."""
        named = set(states)
        if not named:
            return self.wanted
        sets = self.by_state()
        return BitMap().union(*(sets[state] for state in named if state in sets))


def of_job(job: Job) -> Standing:
    """As the leader knows it at this moment: copies, since the leader goes on."""
    ledger, known = job.ledger, job.ledger.recorded
    wanted = take(job.wanted, len(job.wanted) if job.items_known else job.total)
    succeeded, failed = known.succeeded.copy(), known.failed.copy()
    if job.finished:
        return Standing(wanted, succeeded, failed, finished=True)
    running = {key[1]: held.copy() for key, held in ledger.running.items()}
    queued = {key[1]: ledger.queued(key).copy() for key in ledger.assigned}
    return Standing(wanted, succeeded, failed, running, queued, known.tries.ended())


def of_object(resource: DistributedJob) -> Standing:
    """As the object says; what runs or waits where is not written there.

    Raises:
        StatusError: the status is damaged.
    """
    status = resource.status or Status()
    known = recorded(status)
    if resource.spec.items_from is None:
        wanted, _ = wanted_indexes(resource.spec, resource.spec.tasks)
    else:
        # How many lines there were is not written, but how many of them are tasks.
        counts = (status.pending, status.running, status.succeeded, status.failed)
        possible, _ = wanted_indexes(resource.spec, MAX_COMPLETIONS)
        wanted = take(possible, sum(counts) + status.cancelled)
    return Standing(
        wanted,
        known.succeeded,
        known.failed,
        attempts=known.tries.ended(),
        finished=status.phase in TERMINAL,
    )
