"""One history from its beginning to the verdict on it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from distributedjob_operator.core.fleet import Node
from tests.support.simulation.laws import FINAL, Laws
from tests.support.simulation.loop import Stuck, VirtualLoop
from tests.support.simulation.nemesis import Nemesis
from tests.support.simulation.operators import OperatorHost
from tests.support.simulation.scenario import CHAOS_SECONDS, Scenario
from tests.support.simulation.workers import WorkerHost
from tests.support.simulation.world import World

RECOVERY_SECONDS: Final = 60.0
"""J: so long after the last fault, and the work that is left, everything has come to its end."""

LOOK_SECONDS: Final = 0.25
SETTLE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one history."""

    violations: tuple[str, ...]
    history: tuple[str, ...]
    digest: str
    faults: Counter[str]
    tasks: int
    runs: int
    repeats: int
    recovery: float

    def __str__(self) -> str:
        return "\n".join((*self.history, "", *self.violations))


def simulate(scenario: Scenario, *, traced: bool = False) -> Verdict:
    """Let it all happen; traced, the history tells of every message and every run."""
    loop = VirtualLoop()
    world = World(loop, scenario, traced=traced)
    loop.set_exception_handler(lambda _, context: _failed(world, context))
    recovery = 0.0
    with _listening(world):
        try:
            recovery = loop.run_until_complete(_live(world))
        except Stuck as error:
            world.violation("J", str(error))
        loop.unwind(world.processes)
        loop.close()
    history = world.history
    return Verdict(
        tuple(history.violations),
        tuple(history.recent),
        history.digest,
        history.faults,
        sum(plan.tasks for plan in world.plans.values()),
        world.ledger.count,
        world.ledger.repeats,
        recovery,
    )


async def _live(world: World) -> float:
    scenario, laws = world.scenario, Laws(world)
    world.laws = laws
    world.api.written = laws.written
    for number, millis in enumerate(scenario.workers, start=1):
        name = f"n{number}"
        world.api.set_node(Node(name, "127.0.1.1", millis, ready=True, cordoned=False))
        world.workers[name] = WorkerHost(world, name, millis, crew=number % 2 == 0)
        world.later(0.2 * world.random.random(), world.workers[name].start)
    for number in range(1, scenario.operators + 1):
        host = world.operators[f"o{number}"] = OperatorHost(world, f"o{number}")
        world.later(0.2 * world.random.random(), host.start)
    for number, plan in enumerate(scenario.jobs):
        world.later(0.5 * world.random.random(), world.create_job, f"j{number}", plan)
    nemesis = Nemesis(world)
    for step in scenario.steps:
        world.later(step.at, nemesis.strike, step)
    last = max([CHAOS_SECONDS / 4, *(step.at for step in scenario.steps)])
    # The last faults have their effect, or are over at once.
    await asyncio.sleep(last + 0.2 + 3.0 * world.random.random())
    nemesis.heal()
    _let_all_end(world)
    healed = world.loop.time()
    while not _quiet(world):
        if world.history.violations:
            return 0.0
        if world.loop.time() - healed > RECOVERY_SECONDS:
            world.violation("J", f"not at an end after {RECOVERY_SECONDS:g} s: {_left(world)}")
            return RECOVERY_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
    recovery = world.loop.time() - healed
    await asyncio.sleep(SETTLE_SECONDS)
    laws.in_the_end()
    return recovery


def _let_all_end(world: World) -> None:
    """Users let every job come to its end."""
    for name, body in world.api.jobs.items():
        spec = body["spec"]
        if spec.get("suspend") or spec.get("parallelism", 100) < 3:
            world.api.edit(name, suspend=False, parallelism=100)


def _quiet(world: World) -> bool:
    """Whether all jobs are over, written, and known to be so by every worker."""
    return (
        all(_over(body) for body in world.api.jobs.values())
        and not world.ledger.active
        and all(host.up and host.core and host.core.settled for host in world.workers.values())
    )


def _over(body: dict[str, Any]) -> bool:
    status, spec = body.get("status") or {}, body["spec"]
    rerun = spec.get("rerun")
    return (
        status.get("phase") in FINAL
        and status["observedGeneration"] == body["metadata"]["generation"]
        and (not rerun or rerun["token"] == status["rerunToken"] or spec.get("cancel", False))
    )


def _left(world: World) -> str:
    """What is not at an end, for the reader of a failure."""
    jobs = [
        f"{name} {body.get('status', {}).get('phase')} {body.get('status', {}).get('progress')}"
        f" {[c['message'] for c in body.get('status', {}).get('conditions', ())][-2:-1]}"
        for name, body in world.api.jobs.items()
        if not _over(body)
    ]
    workers = [
        f"{host.name} {host.core._states() if host.core else 'down'}"
        for host in world.workers.values()
        if not (host.up and host.core and host.core.settled)
    ]
    return "; ".join(jobs + workers + [str(run) for run in world.ledger.active])


# -- what the programs say -------------------------------------------------------------


def _failed(world: World, context: dict[str, Any]) -> None:
    """An exception that nobody handled; a kill is one, and no fault."""
    error = context.get("exception")
    if isinstance(error, Exception) and not world.loop.closing:
        world.violation("X", f"{context['message']}: {error!r}")


class _Ear(logging.Handler):
    """An exception that was caught and logged is still one that must not happen."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and not self._world.loop.closing:
            self._world.violation("X", f"{record.getMessage()}: {record.exc_info[1]!r}")


@contextmanager
def _listening(world: World) -> Iterator[None]:
    """Hear what the programs log as errors, and let them say nothing else."""
    ear = _Ear(world)
    loggers = [logging.getLogger(f"distributedjob_{name}") for name in ("operator", "worker")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(ear)
        logger.setLevel(logging.ERROR)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(ear)
            logger.setLevel(level)
            logger.propagate = propagate
