"""Rows that say again, forge and spoil what travels over NATS."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

import msgspec
from nats.aio.client import Client

from distributedjob_api.constants import DEFAULT_POOL
from distributedjob_api.messages import (
    Acks,
    Announce,
    Assign,
    Commands,
    Entry,
    Hello,
    JobReport,
    LeaderMessage,
    Report,
    WorkerMessage,
    encode_message,
)
from tests.chaos.echo import Echo
from tests.chaos.faults import Injection, kill
from tests.chaos.nats_client import SUBJECTS, with_client
from tests.chaos.registry import row
from tests.chaos.rig import LEASE_SECONDS
from tests.chaos.trial import Job, Trial
from tests.chaos.workload import Workload

INTRUDER: Final = "node-999"
MEGABYTE: Final = 1024 * 1024


@row(
    28,
    "duplicate, late and shuffled messages",
    injection="each message said three times, up to 2 s late; old commands after a take-over",
    shows="each result counts once; no command of an old leader is followed",
)
def echoed(trial: Trial) -> None:
    rig = trial.rig
    with Echo(rig.cluster.nats, trial.random.randrange(10**6)) as echo:
        job = trial.job(Workload(1600, 0.05, flaky=20, doomed=100))
        trial.await_progress(job, 0.2)
        for _ in range(2):
            trial.take_over(kill(rig, rig.leader()), "kill -9", LEASE_SECONDS + 1)
            for _ in range(4):
                trial.strike(
                    Injection("old commands", "workers", lambda: echo.commands_again()), 0.5
                )
            trial.recovers(LEASE_SECONDS)
        trial.await_progress(job, 1.0)
        trial.note(f"{echo.repeated:,} messages were said again")


@row(
    34,
    "hostile worker",
    injection="a client with a worker's key: foreign subjects, forged results, garbage, 1 MiB + 1",
    shows="refused by the server or by the leader; nothing of it counts",
)
def hostile(trial: Trial) -> None:
    rig = trial.rig
    identity = rig.component(rig.leader()).identity
    assert identity is not None
    job = trial.job(Workload(900, 0.05, flaky=50))
    trial.await_progress(job, 0.1)
    attack = _Attack(job, trial.latest(job)["epoch"], trial.random)
    for kind, user, work in (
        ("foreign subjects", "worker", attack.foreign_subjects),
        ("forged results", "worker", attack.forged_results),
        ("garbage", "worker", attack.garbage),
        ("stale leader", "operator", attack.stale_leader),
    ):
        trial.strike(_by(rig.cluster.nats, kind, user, work))
        trial.recovers(5)
    trial.demand(identity.alive, "A", "a hostile message ended the leader")
    heard = attack.heard
    trial.demand(heard == 0, "E", f"a worker's key heard {heard} messages meant for the leader")
    trial.demand(attack.refusals > 0, "E", "no worker refused a command of an old epoch")


def _by(server: Any, kind: str, user: str, work: Callable[[Client], Any]) -> Injection:
    return Injection(kind, "NATS", lambda: with_client(server, work, user=user))


class _Attack:
    """What can be tried against one job."""

    def __init__(self, job: Job, epoch: int, chance: random.Random) -> None:
        self._job, self._epoch, self._random = job, epoch, chance
        self.heard = 0
        self.refusals = 0

    async def foreign_subjects(self, client: Client) -> None:
        """Command other workers, listen to what is the leader's, ask for stored output."""
        cancel_all = Announce(self._epoch + 1000, "intruder")

        async def count(_: Any) -> None:
            self.heard += 1

        await client.subscribe(SUBJECTS.every_leader(), cb=count)
        await client.publish(SUBJECTS.announce(), encode_message(cancel_all))
        await client.publish(SUBJECTS.worker(DEFAULT_POOL, "node-1"), encode_message(cancel_all))
        await client.publish(f"$JS.API.STREAM.DELETE.{SUBJECTS.journal_stream()}", b"")
        await client.flush()
        await asyncio.sleep(1)

    async def forged_results(self, client: Client) -> None:
        """Claim success of every task, as a stranger and in the name of a real worker."""
        everything = [(0, self._job.workload.tasks - 1)]
        entry = Entry(1, 0, everything, [], [], 1.0)
        for node in (INTRUDER, "node-1"):
            claim = JobReport(self._job.uid, "default", self._job.name, 0, [], [], 0, 1, [entry])
            hello = Hello("f" * 16, 0, INTRUDER, "", "0", 0, 0, [claim])
            reports = [Report("f" * 16, self._epoch, n, 0, [claim]) for n in range(12)]
            messages: list[WorkerMessage] = [*reports] if node != INTRUDER else [hello, *reports]
            for message in messages:
                await client.publish(SUBJECTS.leader(DEFAULT_POOL, node), encode_message(message))
        await client.flush()

    async def garbage(self, client: Client) -> None:
        """Bytes that are no message, and messages that are too large or make no sense."""
        subject = SUBJECTS.leader(DEFAULT_POOL, INTRUDER)
        deep = b"\x91" * 100_000
        huge = b"\xff" * (MEGABYTE + 1)
        absurd = msgspec.msgpack.encode(["Report", "x", -1, 2**63, "no", [[None]]])
        noise = [self._random.randbytes(self._random.randrange(200)) for _ in range(200)]
        for data in (b"", deep, huge, absurd, *noise):
            await client.publish(subject, data)
        await client.publish(f"{subject}.more", b"x")
        await client.flush()

    async def stale_leader(self, client: Client) -> None:
        """Order tasks that have an outcome in the name of an old leader."""

        async def count(message: Any) -> None:
            if b"Refusal" in message.data[:16]:
                self.refusals += 1

        await client.subscribe(SUBJECTS.every_leader(), cb=count)
        old = self._epoch - 1
        # Whatever number comes next at the worker, one of these bears it.
        commands = [Assign(n, self._job.uid, 0, [(0, 20)], [], [], 0) for n in range(1, 1000)]
        orders: list[LeaderMessage] = [
            Announce(old, "old"),
            Commands(old, 1, [*commands]),
            Acks(old, 1, [(self._job.uid, 2**40)]),
        ]
        for order in orders:
            await client.publish(SUBJECTS.worker(DEFAULT_POOL, "node-1"), encode_message(order))
        await client.flush()
        await asyncio.sleep(1)
