"""Row 40: everything at random, with quiet periods in which all must recover."""

import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError

from tests.chaos.faults import (
    Injection,
    deafen,
    isolate,
    kill,
    part,
    pause,
    refuse,
    reset,
    terminate,
)
from tests.chaos.nats_client import delete_journal
from tests.chaos.registry import row
from tests.chaos.rig import SERVERS, SILENCE_SECONDS
from tests.chaos.rows.nats import restarted, store
from tests.chaos.trial import Trial, finished
from tests.chaos.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET_SECONDS: Final = 30.0
SHORT, LONG = (0.2, 2.0), (SILENCE_SECONDS, SILENCE_SECONDS + 4)
SHORT_SHARE: Final = 0.85
STORM_QUICK, STORM_LONG = (3, 8), (6, 14)
AT_MOST_MINUTES: Final = 3.0

TASKS_QUICK, TASKS_LONG = 20_000, 200_000


@row(
    40,
    "everything at random",
    injection="a seeded mix of processes killed and paused and wires cut, with quiet periods",
    shows="A-K",
)
def everything(trial: Trial) -> None:
    minutes = trial.minutes if trial.long else min(trial.minutes, AT_MOST_MINUTES)
    deadline = time.monotonic() + max(0.5, minutes) * 60
    tasks = TASKS_LONG if trial.long else TASKS_QUICK
    storm = STORM_LONG if trial.long else STORM_QUICK
    while time.monotonic() < deadline:
        for job in [job for job in trial.jobs if finished(trial.latest(job))]:
            trial.judge(job)
        if not trial.jobs:
            trial.job(Workload(tasks, 0, flaky=1000, doomed=2000))
            trial.job(Workload(tasks // 50, 0.2, flaky=50))
        for _ in range(trial.random.randint(*storm)):
            strike_at_random(trial)
        trial.rig.heal()
        trial.recovers(QUIET_SECONDS)


def strike_at_random(trial: Trial) -> None:
    """One fault, or two at once, for a while."""
    chance = trial.random
    chosen = [draw(trial) for _ in range(1 if chance.random() < 0.8 else 2)]
    seconds = chance.uniform(*(SHORT if chance.random() < SHORT_SHARE else LONG))
    with trial.inject(chosen[0]):
        trial.last(seconds / 2)
        if len(chosen) > 1 and chosen[1].target != chosen[0].target:
            with trial.inject(chosen[1]):
                trial.last(seconds / 2)
        else:
            trial.last(seconds / 2)
    trial.last(chance.uniform(0, 1))


def draw(trial: Trial) -> Injection:
    """A fault of any kind, at any place."""
    rig, chance = trial.rig, trial.random
    agents = [*rig.operators, *rig.workers]
    holder = rig.holder().split("_")[0]
    leader = holder if holder in rig.operators else rig.operators[0]

    def someone() -> str:
        return chance.choice([*agents, leader, leader])

    def ends() -> tuple[str, str]:
        name = someone()
        server = "nats-server" if name in rig.workers else chance.choice(SERVERS[1:])
        return (name, server) if chance.random() < 0.5 else (server, name)

    def journal() -> Injection:
        return Injection("stream deleted", "nats-server", lambda: _delete_journal(trial))

    def wiped() -> Injection:
        wipe = Injection("", "", lambda: _remove(trial))
        return restarted(trial, "NATS data loss", wipe)

    kinds: list[tuple[int, Callable[[], Injection]]] = [
        (5, lambda: kill(rig, someone())),
        (3, lambda: kill(rig, chance.choice(SERVERS))),
        (4, lambda: terminate(rig, someone())),
        (4, lambda: pause(rig, someone())),
        (2, lambda: pause(rig, chance.choice(SERVERS))),
        (4, lambda: part(rig, *ends())),
        (4, lambda: deafen(rig, *ends())),
        (2, lambda: isolate(rig, someone())),
        (2, lambda: refuse(rig, *_outward(ends()))),
        (3, lambda: reset(rig, *ends())),
        (1, wiped),
        (1, journal),
    ]
    weights = [weight for weight, _ in kinds]
    return chance.choices([make for _, make in kinds], weights)[0]()


def _outward(ends: tuple[str, str]) -> tuple[str, str]:
    """From the one that connects to the one that serves."""
    return ends if ends[1] in SERVERS else (ends[1], ends[0])


def _delete_journal(trial: Trial) -> None:
    # Another fault may have taken the stream, or the server, already.
    with suppress(NatsError, OSError):
        delete_journal(trial.rig.cluster.nats)


def _remove(trial: Trial) -> None:
    shutil.rmtree(store(trial), ignore_errors=True)
