"""How many tasks of a job each worker holds while it is empty: the shape that jobs share."""

from collections.abc import Sequence
from dataclasses import dataclass

from distributedjob_operator.core.fleet import Fleet, Worker
from distributedjob_operator.core.job import Job

Offer = tuple[int, int]
"""Millicores, and bytes of memory, that a worker offers."""


@dataclass(frozen=True, slots=True)
class Seats:
    """How many tasks of so much CPU and memory each worker holds; shared between jobs."""

    slots: Sequence[int]
    whole: int
    fewest: int
    sizes: frozenset[int]

    @classmethod
    def of(cls, slots: Sequence[int]) -> "Seats":
        """What is asked of them all, reckoned once."""
        return cls(slots, sum(slots), min(slots), frozenset(slots))


def slots_for(
    job: Job, workers: Sequence[Worker], offers: Sequence[Offer], fleet: Fleet, *, plain: bool
) -> list[int]:
    """Tasks of a job that each empty worker holds; ``plain`` nodes have no taints."""
    millis, size = job.cpu_millis, job.memory_bytes
    # Workers are mostly alike: what fits is reckoned once for all that are.
    fits = {offer: max(0, that_fit(*offer, millis, size)) for offer in {*offers}}
    slots = [fits[offer] for offer in offers]
    if plain and not job.spec.node_selector:
        return slots
    return [
        count if fleet.admits(worker, job.spec) else 0
        for worker, count in zip(workers, slots, strict=True)
    ]


def that_fit(cpu_millis: int, memory_bytes: int, millis: int, size: int) -> int:
    """Tasks of ``millis`` and ``size`` that so much holds; negative where it is overdrawn."""
    count = cpu_millis // millis
    return min(count, memory_bytes // size) if size else count
