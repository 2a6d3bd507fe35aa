"""Rows that fill a worker's disk, drain its node and set its clock."""

import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.chaos.faults import Injection, kill, nodes, terminate
from tests.chaos.isolation import mount_tmpfs, unmount
from tests.chaos.registry import CannotBeDoneError, row
from tests.chaos.rig import LEASE_SECONDS
from tests.chaos.rows.nats import fill
from tests.chaos.rows.objects import merge
from tests.chaos.trial import Trial, folder_of
from tests.chaos.workload import Workload

HOUR: Final = 3600
RECOVERY_SECONDS: Final = 20.0
CLOCK: Final = Path(__file__).parent.with_name("clock.c")


@row(
    29,
    "worker disk full",
    injection="a small file system under its state directory: full of bytes, then of files",
    shows="no false success; its tasks run elsewhere or later; it takes tasks again when freed",
)
def disk_full(trial: Trial) -> None:
    rig, name = trial.rig, "worker-1"
    folder = folder_of(rig, name)
    death = kill(rig, name)

    def mount() -> None:
        death.begin()
        mount_tmpfs(folder, "2m,nr_inodes=200")

    trial.strike(Injection("kill -9", name, mount, death.end, nodes([name])))
    rig.ready()
    try:
        job = trial.job(Workload(1500, 0.05), backoffLimitPerIndex=5)
        trial.await_progress(job, 0.1)
        filler, files = folder / "filler", folder / "files"
        full = Injection("disk full", name, lambda: fill(filler), lambda: filler.unlink())
        with trial.inject(full):
            trial.last(5)
        trial.recovers(RECOVERY_SECONDS)
        crowd = Injection("inodes full", name, lambda: crowded(files), lambda: shutil.rmtree(files))
        with trial.inject(crowd):
            trial.last(5)
        trial.recovers(RECOVERY_SECONDS)
        trial.await_progress(job, 1.0)
    finally:

        def take_away() -> None:
            death.begin()
            unmount(folder)

        trial.strike(Injection("kill -9", name, take_away, death.end, nodes([name])))


def crowded(folder: Path) -> None:
    """Make files until there is no room for one more."""
    folder.mkdir()
    with suppress(OSError):
        for number in range(10_000):
            (folder / str(number)).touch()


@row(
    38,
    "node drain, pool to nothing and back, rollout",
    injection="cordon and SIGTERM; SIGTERM to all workers; SIGTERM to one after the other",
    shows="tasks are returned, not failed, and no interruption is charged",
)
def drained(trial: Trial) -> None:
    rig = trial.rig
    job = trial.job(Workload(900, 0.05))
    trial.await_progress(job, 0.05)
    node = "/api/v1/nodes/node-1"
    cordon = Injection(
        "cordon",
        "node-1",
        lambda: merge(rig, node, {"spec": {"unschedulable": True}}),
        lambda: merge(rig, node, {"spec": {"unschedulable": None}}),
    )
    with trial.inject(cordon), trial.inject(terminate(rig, "worker-1")):
        trial.last(3)
    trial.recovers(RECOVERY_SECONDS)

    def every(do: object) -> None:
        for name in rig.workers:
            do(name)  # type: ignore[operator]

    gone = Injection(
        "scale to 0",
        "workers",
        lambda: every(rig.terminate),
        lambda: every(rig.revive),
        nodes(rig.workers),
    )
    trial.strike(gone, 4)
    trial.recovers(RECOVERY_SECONDS)
    for name in rig.workers:
        trial.strike(terminate(rig, name), 1)
    trial.recovers(RECOVERY_SECONDS)
    trial.await_progress(job, 1.0)
    status = trial.latest(job)
    for name in ("failures", "interruptions"):
        count = status.get(name, 0)
        trial.demand(count == 0, "K", f"planned stops counted as {count} {name}")


@row(
    27,
    "clocks that jump and drift",
    injection="the wall clock of a leader and of a worker set an hour on, and back",
    shows="nobody loses the Lease or is taken for lost; deadlines keep their length",
)
def clocks(trial: Trial) -> None:
    rig = trial.rig
    library = compiled(rig.folder)
    offset = rig.folder / "offset"
    extra = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(offset)}
    offset.write_text("0")
    offset.write_text(str(HOUR))
    moved = [sys.executable, "-c", "import time; print(time.time())"]
    told = subprocess.run(moved, env=extra, capture_output=True, check=True, text=True).stdout
    trial.demand(float(told) > time.time() + HOUR / 2, "-", "the clock did not move")
    offset.write_text("0")
    with rig.with_environment([*rig.operators, *rig.workers], extra):
        job = trial.job(Workload(900, 0.05), activeDeadlineSeconds=120)
        trial.await_progress(job, 0.05)
        leader = rig.holder()
        for jump in (HOUR, -HOUR):
            with trial.inject(
                Injection(
                    "clock jump",
                    f"{jump:+d} s everywhere",
                    lambda jump=jump: offset.write_text(str(jump)),
                    lambda: offset.write_text("0"),
                )
            ):
                trial.last(LEASE_SECONDS + 1)
            trial.recovers(RECOVERY_SECONDS)
        trial.demand(rig.holder() == leader, "J", "a clock's jump cost the Lease")
        trial.await_progress(job, 1.0)
        status = trial.latest(job)
        trial.demand(status.get("interruptions", 0) == 0, "C", "a clock's jump lost a worker")


def compiled(folder: Path) -> Path:
    """The library that moves the wall clock of whoever loads it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise CannotBeDoneError("no C compiler, which the clock of another process needs")
    library = folder / "clock.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", library, CLOCK, "-ldl"]
    subprocess.run(command, check=True)
    return library
