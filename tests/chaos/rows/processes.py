"""Rows that end, pause and start again the operators and the workers."""

from typing import Final

from tests.chaos.faults import kill, pause, terminate
from tests.chaos.registry import row
from tests.chaos.rig import LEASE_SECONDS, SILENCE_SECONDS
from tests.chaos.trial import Trial
from tests.chaos.workload import Workload

AFTER_KILL: Final = LEASE_SECONDS + 1
AFTER_STOP: Final = 1.0


@row(
    1,
    "leader kill -9",
    injection="SIGKILL of the leader while tasks run, again and again",
    shows="A-I; another leads within the lease + 1 s; nothing runs twice",
)
def leader_killed(trial: Trial) -> None:
    rounds = 25 if trial.long else 3
    job = trial.job(Workload(rounds * 300, 0.05, flaky=50))
    trial.await_progress(job, 0.02)
    for _ in range(rounds):
        trial.rig.ready()  # A replica that still starts cannot take over at once.
        trial.take_over(kill(trial.rig, trial.rig.leader()), "kill -9", AFTER_KILL)


@row(
    2,
    "leader SIGTERM",
    injection="SIGTERM to the leader while tasks run",
    shows="another leads in less than 1 s; released only after the last write",
)
def leader_stopped(trial: Trial) -> None:
    rounds = 30 if trial.long else 8
    job = trial.job(Workload(rounds * 100, 0.05, flaky=50))
    trial.await_progress(job, 0.02)
    for _ in range(rounds):
        trial.rig.ready()  # A replica that still starts cannot take over at once.
        trial.take_over(terminate(trial.rig, trial.rig.leader()), "SIGTERM", AFTER_STOP)


@row(
    4,
    "worker kill -9",
    injection="SIGKILL of workers that are idle, or in the middle of tasks",
    shows="its tasks run elsewhere; no process is left; A-D",
)
def worker_killed(trial: Trial) -> None:
    rig = trial.rig
    trial.strike(kill(rig, "worker-1"))
    job = trial.job(Workload(500, 0.1, flaky=50))
    trial.await_progress(job, 0.05)
    with trial.inject(kill(rig, "worker-2")):
        trial.last(SILENCE_SECONDS + 2)
    trial.recovers(5)
    trial.strike(kill(rig, "worker-3"), 1)
    trial.recovers(5)


@row(
    5,
    "worker restarted at once",
    injection="SIGKILL and start, five times, with results in the spool",
    shows="old processes ended, the spool sent again, nothing counted twice",
)
def worker_restarted(trial: Trial) -> None:
    job = trial.job(Workload(2000, 0.01, flaky=50))
    trial.await_progress(job, 0.02)
    for _ in range(5):
        trial.strike(kill(trial.rig, trial.random.choice(trial.rig.workers)))
        trial.recovers(5)


@row(
    7,
    "paused leader comes back",
    injection="SIGSTOP for longer than the lease, then SIGCONT",
    shows="another leads meanwhile; the one that was paused exits and changes nothing",
)
def leader_paused(trial: Trial) -> None:
    rig = trial.rig
    rounds = 4 if trial.long else 1
    job = trial.job(Workload(rounds * 600, 0.05, flaky=50))
    trial.await_progress(job, 0.02)
    for _ in range(rounds):
        leader = rig.leader()
        identity = rig.component(leader).identity
        assert identity is not None
        rig.hold(leader)
        trial.take_over(pause(rig, leader), "pause", AFTER_KILL)
        trial.demand(identity.wait(10), "E", f"{leader} went on after it had lost the Lease")
        rig.revive(leader)


@row(
    8,
    "paused worker comes back",
    injection="SIGSTOP for longer than a worker may be silent, then SIGCONT",
    shows="a late result counts once or not at all",
)
def worker_paused(trial: Trial) -> None:
    number = 4 if trial.long else 1
    job = trial.job(Workload(number * 600, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    for name in trial.random.sample(trial.rig.workers, number):
        trial.strike(pause(trial.rig, name), SILENCE_SECONDS + 2)
        trial.recovers(5)
