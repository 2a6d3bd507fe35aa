"""Latencies of an idle system, hop by hop, seen from outside.

One-task jobs are created one after the other at uneven distances, so that each meets
every timer at any phase. The API server's watch and a subscription to everything on
NATS tell when each hop was over; the task itself writes down when it ran. All clocks are
the machine's one.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any, Final

from bench.api import Event, opened, watching
from bench.embedded import Door, manifest
from bench.spread import percentile
from bench.tap import Message, assigned, tapped
from distributedjob_api.messages import Acks, Commands, JournalBatch, Report
from distributedjob_local.cluster import Cluster

STAMP: Final = ["date", "+%s.%N"]
"""A task that says when it ran."""

SETTLE_SECONDS: Final = (0.05, 0.25)
PATIENCE_SECONDS: Final = 20.0
WARM_UP: Final = 5

HOPS: Final = {
    "API server: created": ("sent", "created"),
    "watch, kopf, plan": ("created", "ordered"),
    "NATS, spawn": ("ordered", "ran"),
    "the task": ("ran", "exited"),
    "report": ("exited", "reported"),
    "checkpoint, watch": ("reported", "complete"),
}
"""What each share is called: from one moment to the next."""


@dataclass(slots=True)
class Life:
    """When what happened to one job, in Unix seconds."""

    moments: dict[str, float] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, what: str, moment: float) -> None:
        """Remember the first time."""
        self.moments.setdefault(what, moment)
        if {"complete", "acknowledged", "ran"} <= self.moments.keys():
            self.over.set()

    def between(self, first: str, last: str) -> float:
        """Milliseconds from one moment to another."""
        return (self.moments[last] - self.moments[first]) * 1e3


class Lives:
    """Everything that was seen of every job, whoever saw it first."""

    def __init__(self) -> None:
        self._of: dict[str, Life] = {}

    def of(self, uid: str) -> Life:
        """The life of a job."""
        return self._of.setdefault(uid, Life())

    def on_event(self, moment: float, event: Event) -> None:
        """A watch event."""
        life = self.of(event["object"]["metadata"]["uid"])
        life.note("visible", moment)
        if event["object"].get("status", {}).get("phase") == "Complete":
            life.note("complete", moment)

    def on_message(self, moment: float, message: Message) -> None:
        """A message on NATS."""
        match message:
            case Commands():
                for uid in assigned(message):
                    self.of(uid).note("ordered", moment)
            case Report():
                for stated in message.jobs:
                    if stated.entries:
                        self.of(stated.uid).note("reported", moment)
            case Acks():
                for uid, _ in message.upto:
                    self.of(uid).note("acknowledged", moment)
            case JournalBatch(records=records):
                life = self.of(message.uid)
                life.note("exited", max(one.started + one.duration for one in records))
                life.note("ran", min(float(one.stdout) for one in records))


async def one_task_jobs(cluster: Cluster, number: int, seed: int = 1) -> list[Life]:
    """The lives of so many one-task jobs, each on an idle system."""
    dice, lives, measured = random.Random(seed), Lives(), []
    async with (
        opened(Door.of(cluster)) as api,
        tapped(cluster, lives.on_message),
        watching(cluster, api, lives.on_event),
    ):
        for at in range(WARM_UP + number):
            sent = time.time()
            answered, body = await api.create(manifest(f"latency-{at}", 1, STAMP))
            life = lives.of(body["metadata"]["uid"])
            life.note("sent", sent)
            # Whoever watches may see it before its creator is answered.
            life.note("created", min(answered, life.moments.get("visible", answered)))
            async with asyncio.timeout(PATIENCE_SECONDS):
                await life.over.wait()
            measured.append(life)
            await asyncio.sleep(dice.uniform(*SETTLE_SECONDS))
        await api.delete_all()
    return measured[WARM_UP:]


def measure(cluster: Cluster, number: int) -> dict[str, Any]:
    """``first_start``, ``complete`` and ``one_task`` in ms, and the share of each hop."""
    lives = asyncio.run(one_task_jobs(cluster, number))

    def summary(first: str, last: str) -> dict[str, float]:
        values = [life.between(first, last) for life in lives]
        return {f"p{share}": round(percentile(values, share / 100), 2) for share in (50, 99)}

    return {
        "first_start": summary("created", "ran"),
        "complete": summary("exited", "complete"),
        "one_task": summary("sent", "complete"),
        "hops": {name: summary(*ends) for name, ends in HOPS.items()},
        "values": {
            "first_start": [round(life.between("created", "ran"), 2) for life in lives],
            "complete": [round(life.between("exited", "complete"), 2) for life in lives],
            "one_task": [round(life.between("sent", "complete"), 2) for life in lives],
        },
    }
