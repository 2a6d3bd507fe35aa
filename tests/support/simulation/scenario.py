"""What is to happen in one history, as a value: one integer gives all of it."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Final

from tests.support.simulation.nats import Noise

CHAOS_SECONDS: Final = 6.0
"""Faults begin within this time; then all heals."""


class Fault(StrEnum):
    """What may happen to the system, or be done to it by its users."""

    OPERATOR_CRASH = "operator crash"
    OPERATOR_CRASH_AT_EFFECT = "operator crash at an effect"
    OPERATOR_PAUSE = "operator pause"
    OPERATOR_STOP = "operator stop"
    OPERATOR_DEAF = "operator deaf"
    OPERATOR_CUT_FROM_NATS = "operator cut from NATS"
    OPERATOR_CUT_FROM_API = "operator cut from API server"
    OPERATOR_LATE = "operator deposed, its messages late"
    OPERATORS_DOWN = "all operators down"
    CLOCK_JUMP = "wall clock jump"
    WORKER_CRASH = "worker crash"
    WORKER_CRASH_AT_EFFECT = "worker crash at an effect"
    AGENT_CRASH = "agent crash, tasks go on"
    WORKER_PAUSE = "worker pause"
    WORKER_LEAVE = "worker leaves"
    WORKER_DEAF = "worker deaf"
    WORKER_CUT_FROM_NATS = "worker cut from NATS"
    DISK_FULL = "disk full"
    NODE_DELETED = "node deleted"
    NODE_CORDONED = "node cordoned"
    NATS_RESTART = "NATS restart"
    NATS_DATA_LOSS = "NATS data loss"
    API_DOWN = "API server down"
    API_TROUBLE = "API server refuses, is slow, loses answers"
    API_CONFLICTS = "conflicting writes"
    EVENTS_MISSED = "watch events missed"
    LEASE_DELETED = "Lease deleted"
    JOB_TOUCHED = "job annotated"
    PARALLELISM = "parallelism changed"
    SUSPEND = "job suspended"
    RESUME = "job resumed"
    CANCEL = "job cancelled"
    DELETE = "job deleted"
    RECREATE = "job deleted and created anew"
    RERUN = "job run again"


USERS: Final = (
    Fault.JOB_TOUCHED,
    Fault.PARALLELISM,
    Fault.SUSPEND,
    Fault.RESUME,
    Fault.CANCEL,
    Fault.DELETE,
    Fault.RECREATE,
    Fault.RERUN,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: when, to whom (modulo how many there are), and how much of it (0 to 1)."""

    at: float
    fault: Fault
    target: int
    size: float


EARLY_ENDS: Final[dict[str, dict[str, Any]]] = {
    "": {},
    "backoffLimit": {"backoffLimit": 5},
    "maxFailedIndexes": {"maxFailedIndexes": 0},
    "successPolicy": {"successPolicy": {"rules": [{"succeededCount": 5}]}},
    "FailJob": {"failurePolicy": {"rules": [{"action": "FailJob", "onReasons": ["Error"]}]}},
    "FailIndex": {"failurePolicy": {"rules": [{"action": "FailIndex", "onReasons": ["Error"]}]}},
    "Count": {"failurePolicy": {"rules": [{"action": "Count", "onReasons": ["Interrupted"]}]}},
}
"""What may end a job, or an index, before all of its tasks and attempts are through."""


@dataclass(frozen=True, slots=True)
class JobPlan:
    """A job, and what its tasks do: the hopeless always fail, the flaky at first."""

    tasks: int
    seconds: float
    hopeless: frozenset[int]
    flaky: frozenset[int]
    millis: int = 1000
    backoff_limit_per_index: int = 2
    interruption_limit: int = 100
    parallelism: int | None = None
    placement: str = "Anywhere"
    early_end: str = ""

    @property
    def at_most_once(self) -> bool:
        """Whether no task may start twice."""
        return self.backoff_limit_per_index == 0 and self.interruption_limit == 0

    def spec(self) -> dict[str, Any]:
        """As a user writes it."""
        spec: dict[str, Any] = {
            "completions": self.tasks,
            "backoffLimitPerIndex": self.backoff_limit_per_index,
            "interruptionLimit": self.interruption_limit,
            "retryPolicy": {"initialSeconds": 0, "placement": self.placement},
            **EARLY_ENDS[self.early_end],
        }
        if self.parallelism is not None:
            spec["parallelism"] = self.parallelism
        return spec


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that one history is made of; ``dice`` decides what is left to chance."""

    dice: int
    operators: int
    workers: tuple[int, ...]
    jobs: tuple[JobPlan, ...]
    noise: Noise
    steps: tuple[Step, ...]


def from_seed(seed: int) -> Scenario:
    """The history of a seed."""
    random = Random(seed)
    workers = tuple(random.choice((1000, 2000, 2000)) for _ in range(random.choice((3, 3, 4))))
    count = random.choice((1, 1, 2))
    jobs = tuple(_job(random, sum(workers) // 1000, count) for _ in range(count))
    noise = Noise(
        loss=random.choice((0.0, 0.0, 0.03, 0.15)),
        duplicate=random.choice((0.0, 0.0, 0.1)),
        delay=random.choice((0.0, 0.3, 2.0)),
        reorder=random.choice((0.0, 0.0, 0.1)),
    )
    # Some faults are in all of a history: what they do together is the interesting part.
    few = random.sample(list(Fault), random.randrange(1, 6))
    steps = tuple(
        sorted(
            (_step(random, few) for _ in range(random.randrange(1, 9))),
            key=lambda step: step.at,
        )
    )
    return Scenario(random.getrandbits(32), random.choice((2, 2, 3)), workers, jobs, noise, steps)


def _job(random: Random, slots: int, jobs: int) -> JobPlan:
    tasks = random.randrange(10, 41) // jobs
    # As long as the faults, on slots that are all in use.
    seconds = random.choice((0.1, 0.5, 0.9)) * CHAOS_SECONDS * slots / tasks / jobs
    indexes = range(tasks)
    at_most_once = random.random() < 0.15
    return JobPlan(
        tasks=tasks,
        seconds=min(seconds, 3.0),
        hopeless=frozenset(random.sample(indexes, random.choice((0, 0, 1, 2)))),
        flaky=frozenset(random.sample(indexes, random.choice((0, 2, tasks // 4)))),
        millis=random.choice((500, 1000, 1000)),
        backoff_limit_per_index=0 if at_most_once else random.choice((1, 2, 3)),
        interruption_limit=0 if at_most_once else random.choice((100, 100, 100, 1)),
        parallelism=random.choice((None, None, None, 3)),
        placement=random.choice(("Anywhere", "Anywhere", "OtherNode")),
        early_end=random.choice(("", "", "", *EARLY_ENDS)),
    )


def _step(random: Random, few: list[Fault]) -> Step:
    fault = random.choice(few) if random.random() < 0.7 else random.choice(list(Fault))
    return Step(random.random() * CHAOS_SECONDS, fault, random.randrange(12), random.random())
