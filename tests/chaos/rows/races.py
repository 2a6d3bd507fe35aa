"""Rows in which a user changes his mind, or a version, while processes die."""

from typing import Any, Final

from tests.chaos.faults import EVERYWHERE, Injection, kill, pause
from tests.chaos.registry import row
from tests.chaos.rig import LEASE_SECONDS, SILENCE_SECONDS
from tests.chaos.trial import Job, Trial
from tests.chaos.workload import Workload

FUTURE: Final = """
import sys
if {"distributedjob_operator", "distributedjob_worker"} & set(sys.orig_argv):
    import msgspec
    from distributedjob_api import messages

    encode = messages.encode_message

    def encode_of_a_later_version(message):
        fields = msgspec.msgpack.decode(encode(message))
        return msgspec.msgpack.encode([*fields, {"a field of a later version": 1}])

    messages.encode_message = encode_of_a_later_version
"""


@row(
    35,
    "upgrade and downgrade in the middle",
    injection="replicas and workers that append fields of a later version, mixed, and back",
    shows="A-I; both sides ignore what they do not know",
    only_long=True,
)
def upgraded(trial: Trial) -> None:
    rig = trial.rig
    folder = rig.folder / "future"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(FUTURE)
    extra = {"PYTHONPATH": str(folder)}
    job = trial.job(Workload(1500, 0.05, flaky=50))
    trial.await_progress(job, 0.05)
    mixed = [rig.operators[0], *rig.workers[:2]]
    for names in (mixed, [*rig.operators, *rig.workers]):
        replaced = Injection("version change", ", ".join(names), lambda: None, cut=EVERYWHERE)
        with trial.inject(replaced), rig.with_environment(names, extra):
            leader = rig.leader()
            if names == mixed and leader != names[0]:
                trial.strike(kill(rig, leader), LEASE_SECONDS + 1)
            trial.last(3)
        trial.recovers(LEASE_SECONDS * 2)
    trial.note("NATS has one version here: only 2.15 is to be had")


@row(
    39,
    "cancel, suspend and deadline against 1-4",
    injection="each while the leader or a worker is killed or paused, in a random order",
    shows="one of the two lawful ends; no process is left",
)
def races(trial: Trial) -> None:
    rig, chance = trial.rig, trial.random
    changes = ["cancel", "suspend", "deadline"]
    rounds = 12 if trial.long else 2
    for number in range(rounds):
        change = changes[number % len(changes)]
        spec: dict[str, Any] = {"activeDeadlineSeconds": 8} if change == "deadline" else {}
        job = trial.job(Workload(400, 0.1), **spec)
        trial.await_progress(job, 0.02)
        job.expected = {
            "cancel": ("Cancelled", "Complete"),
            "deadline": ("Failed", "Complete"),
        }.get(change, ("Complete",))
        victim = chance.choice([rig.leader(), chance.choice(rig.workers)])
        fault = chance.choice([kill, pause])(rig, victim)
        # What is ended by a command may run again: it was not lost, it was stopped.
        turn = Injection(change, job.name, lambda c=change, j=job: _turn(trial, c, j))
        turn = Injection(turn.kind, turn.target, turn.begin, cut=EVERYWHERE)
        both = [turn, fault]
        chance.shuffle(both)
        with trial.inject(both[0]):
            trial.last(chance.uniform(0, 0.3))
            with trial.inject(both[1]):
                trial.last(chance.choice([0.5, SILENCE_SECONDS + 1]))
                if change == "suspend":
                    trial.patch(job, {"suspend": False})


def _turn(trial: Trial, change: str, job: Job) -> None:
    if change == "cancel":
        trial.patch(job, {"cancel": True})
    elif change == "suspend":
        trial.patch(job, {"suspend": True})
