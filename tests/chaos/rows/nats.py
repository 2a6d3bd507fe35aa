"""Rows that stop NATS, lose what it stored, and leave it no room."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.chaos.faults import Injection, kill, pause
from tests.chaos.isolation import mount_tmpfs, unmount
from tests.chaos.nats_client import delete_journal, journal_messages
from tests.chaos.registry import row
from tests.chaos.rig import SILENCE_SECONDS
from tests.chaos.trial import Trial
from tests.chaos.usage import cpu_seconds
from tests.chaos.workload import Workload
from tests.support.waiting import wait_until

NATS: Final = "nats-server"
BACK_SECONDS: Final = 5.0
STREAM_SECONDS: Final = 30.0
QUICKLY_SECONDS: Final = 8.0
BUSY_SHARE: Final = 0.5


def store(trial: Trial) -> Path:
    """Where the server keeps its streams."""
    return trial.rig.state.data("nats") / "jetstream"


def restarted(trial: Trial, kind: str, between: Injection) -> Injection:
    """NATS killed, its store changed while it is down, and started again."""
    death = kill(trial.rig, NATS)

    def begin() -> None:
        death.begin()
        between.begin()

    return Injection(kind, NATS, begin, death.end)


@row(
    9,
    "paused NATS, paused API server",
    injection="SIGSTOP for longer than every limit, then SIGCONT",
    shows="no crash of a worker, no busy loop, and all goes on",
    only_long=True,
)
def servers_paused(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(1600, 0.05, flaky=50))
    trial.await_progress(job, 0.02)
    for name in (NATS, "kube-apiserver"):
        agents = [rig.component(one).pid for one in rig.workers]
        seconds = 30 if trial.long else SILENCE_SECONDS + 3
        with trial.inject(pause(rig, name)):
            trial.last(3)
            before = [cpu_seconds(pid) for pid in agents]
            trial.last(seconds - 3)
            spent = [cpu_seconds(pid) - old for pid, old in zip(agents, before, strict=True)]
        trial.demand(
            max(spent) < BUSY_SHARE * (seconds - 3),
            "J",
            f"an agent used {max(spent):.1f} s of CPU in {seconds - 3:.0f} s without {name}",
        )
        trial.recovers(20)


@row(
    10,
    "NATS restart",
    injection="kill -9 and start, again and again, in the middle of a job",
    shows="A-I; everybody is back within 5 s; nothing runs twice",
)
def nats_restarted(trial: Trial) -> None:
    rounds = 20 if trial.long else 4
    job = trial.job(Workload(100_000 if trial.long else 1200, 0 if trial.long else 0.03, flaky=50))
    trial.await_progress(job, 0.01)
    for _ in range(rounds):
        trial.strike(kill(trial.rig, NATS))
        trial.recovers(BACK_SECONDS)


@row(
    11,
    "NATS data loss",
    injection="kill -9, everything it stored removed, start",
    shows="A; nothing runs twice; the journal's stream is made anew",
)
def nats_wiped(trial: Trial) -> None:
    job = trial.job(Workload(800, 0.05, flaky=50))
    trial.await_progress(job, 0.1)
    wipe = Injection("", "", lambda: shutil.rmtree(store(trial)))
    trial.strike(restarted(trial, "NATS data loss", wipe))
    trial.recovers(BACK_SECONDS)
    await_journal(trial)


@row(
    12,
    "NATS rollback",
    injection="kill -9, start from an older copy of what it stored",
    shows="A; nothing runs twice",
)
def nats_rolled_back(trial: Trial) -> None:
    copy = trial.rig.folder / "nats-copy"
    job = trial.job(Workload(800, 0.05, flaky=50))
    trial.await_progress(job, 0.1)
    keep = Injection("", "", lambda: shutil.copytree(store(trial), copy))
    trial.strike(restarted(trial, "kill -9", keep))
    trial.await_progress(job, 0.4)

    def roll_back() -> None:
        shutil.rmtree(store(trial))
        copy.rename(store(trial))

    trial.strike(restarted(trial, "NATS rollback", Injection("", "", roll_back)))
    trial.recovers(BACK_SECONDS)


@row(
    13,
    "NATS disk full",
    injection="a small file system under its store, filled, freed, and the server started again",
    shows="outcomes are counted all the same; then the journal takes records again",
)
def nats_disk_full(trial: Trial) -> None:
    path = store(trial)
    trial.strike(restarted(trial, "kill -9", Injection("", "", lambda: mount_tmpfs(path, "8m"))))
    filler = path / "filler"
    try:
        await_journal(trial)
        job = trial.job(Workload(1000, 0.05, flaky=50))
        trial.await_progress(job, 0.1)
        full = Injection("disk full", NATS, lambda: fill(filler), lambda: filler.unlink())
        with trial.inject(full):
            trial.await_progress(job, 0.6)
        if not takes_records(trial, QUICKLY_SECONDS):
            trial.note("the server itself stores nothing more until it is started again")
            trial.strike(kill(trial.rig, NATS))
        took = takes_records(trial, STREAM_SECONDS)
        trial.demand(took, "J", "the journal took nothing after its disk was freed")
    finally:
        trial.strike(restarted(trial, "kill -9", Injection("", "", lambda: unmount(path))))


@row(
    14,
    "the journal's stream deleted",
    injection="deleted through the JetStream API while tasks run",
    shows="made anew within 30 s; nothing else is touched",
)
def stream_deleted(trial: Trial) -> None:
    job = trial.job(Workload(600, 0.05, flaky=50))
    trial.await_progress(job, 0.1)
    trial.strike(Injection("stream deleted", NATS, lambda: delete_journal(trial.rig.cluster.nats)))
    trial.recovers(BACK_SECONDS)
    await_journal(trial)


def takes_records(trial: Trial, seconds: float) -> bool:
    """Whether the journal stores what tasks print now, in time."""
    server = trial.rig.cluster.nats
    before = journal_messages(server) or 0
    trial.await_progress(trial.job(Workload(20, 0.02)), 1.0)
    with suppress(AssertionError):
        wait_until(
            lambda: journal_messages(server) or 0, lambda count: count > before, seconds, "records"
        )
        return True
    return False


def await_journal(trial: Trial) -> None:
    """The stream of the journal is there, in time."""
    with suppress(AssertionError):
        wait_until(
            lambda: journal_messages(trial.rig.cluster.nats),
            lambda count: count is not None,
            STREAM_SECONDS,
            "the journal's stream",
        )
        return
    trial.demand(False, "J", f"the journal's stream was not made anew in {STREAM_SECONDS:g} s")


def fill(path: Path) -> None:
    """Take what room there is."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
