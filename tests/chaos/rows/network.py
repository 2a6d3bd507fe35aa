"""Rows that cut, spoil and refuse the wires between hosts."""

from contextlib import ExitStack
from itertools import product
from typing import Final

from tests.chaos.bad_wire import BadWire
from tests.chaos.faults import Injection, deafen, kill, nodes, part, refuse, reset
from tests.chaos.registry import row
from tests.chaos.rig import LEASE_SECONDS, SILENCE_SECONDS
from tests.chaos.trial import Trial
from tests.chaos.workload import Workload

API: Final = "kube-apiserver"
NATS: Final = "nats-server"
DETECTED_SECONDS: Final = 20.0


@row(
    19,
    "partition leader - API server",
    injection="every packet between the two lost, until another leads",
    shows="it exits at its renew deadline; another leads within the lease + 1 s",
)
def leader_without_api(trial: Trial) -> None:
    rig = trial.rig
    rounds = 4 if trial.long else 1
    job = trial.job(Workload(rounds * 700, 0.05, flaky=50))
    trial.await_progress(job, 0.02)
    for _ in range(rounds):
        leader = rig.leader()
        identity = rig.component(leader).identity
        assert identity is not None
        rig.hold(leader)
        trial.take_over(part(rig, leader, API), "partition", LEASE_SECONDS + 1)
        trial.demand(identity.wait(1), "E", f"{leader} stayed when it had lost the Lease")
        rig.revive(leader)


@row(
    20,
    "partition leader - NATS",
    injection="every packet between the two lost for longer than a worker may be silent",
    shows="no worker is taken for lost; it goes on when NATS is back",
)
def leader_without_nats(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(800, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    with trial.inject(part(rig, rig.leader(), NATS)):
        trial.last(SILENCE_SECONDS + 4)
    trial.recovers(DETECTED_SECONDS)


@row(
    21,
    "partition worker - NATS",
    injection="every packet between the two lost: shortly, and for longer than its silence",
    shows="short: nothing runs again; long: it runs elsewhere, late results are harmless",
)
def worker_without_nats(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(800, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    short = part(rig, "worker-1", NATS)
    trial.strike(Injection("short partition", short.target, short.begin, short.end), 3)
    trial.recovers(DETECTED_SECONDS)
    trial.strike(part(rig, "worker-2", NATS), SILENCE_SECONDS + 3)
    trial.recovers(DETECTED_SECONDS)


@row(
    22,
    "one-way partition, each pair and direction",
    injection="packets lost in one direction, for longer than every limit",
    shows="A-J for leader, standby and worker with the API server and with NATS",
)
def one_way(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(8000 if trial.long else 1200, 0.05, flaky=50))
    trial.await_progress(job, 0.01)
    cases = [*product(("leader", "standby"), (API, NATS), (True, False))]
    cases += [("worker", NATS, forth) for forth in (True, False)]
    for who, server, forth in cases if trial.long else trial.random.sample(cases, 2):
        name = {"leader": rig.leader, "standby": lambda: rig.standbys()[0]}.get(
            who, lambda: trial.random.choice(rig.workers)
        )()
        ends = (name, server) if forth else (server, name)
        trial.strike(deafen(rig, *ends), SILENCE_SECONDS + 3)
        trial.recovers(DETECTED_SECONDS)


@row(
    23,
    "refused, reset and half-open connections",
    injection="RST of standing connections; REJECT of new ones; a peer that restarts unheard",
    shows="noticed within 20 s, and nothing runs twice but at a worker that was away",
)
def refused(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(1000, 0.05, flaky=50))
    trial.await_progress(job, 0.02)
    leader = rig.leader()
    for source, target in ((leader, NATS), ("worker-1", NATS), (leader, API)):
        trial.strike(reset(rig, source, target))
        trial.recovers(DETECTED_SECONDS)
    trial.strike(refuse(rig, "worker-2", NATS), 4)
    trial.recovers(DETECTED_SECONDS)
    with trial.inject(part(rig, "worker-3", NATS)), trial.inject(kill(rig, NATS)):
        trial.last(1)
    trial.recovers(DETECTED_SECONDS)


@row(
    24,
    "delay, loss, reordering, duplication",
    injection="a relay between NATS and all others: 100-300 ms, 5 % lost, 5 % doubled",
    shows="A-I",
)
def spoiled(trial: Trial) -> None:
    rig = trial.rig
    others = [*rig.operators, *rig.workers]
    job = trial.job(Workload(600, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    with ExitStack() as running:
        wire = running.enter_context(BadWire(rig, seed=trial.random.randrange(10**6)))
        running.enter_context(
            trial.inject(
                Injection(
                    "bad wire",
                    f"all - {NATS}",
                    lambda: wire.between(others, [NATS]),
                    rig.network.heal,
                    nodes(rig.workers),
                )
            )
        )
        trial.last(20 if trial.long else 10)
        trial.demand(wire.passed > 0, "-", "no packet took the bad wire")
        trial.note(f"about {wire.passed:,} packets took the bad wire")
    trial.recovers(DETECTED_SECONDS)
