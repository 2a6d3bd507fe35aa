"""Rows of too much: tasks, jobs, failures; and storage that is slow."""

import shutil
import time
from pathlib import Path
from typing import Final

from tests.chaos.faults import Injection, kill
from tests.chaos.isolation import run
from tests.chaos.registry import CannotBeDoneError, row
from tests.chaos.rig import LEASE_SECONDS
from tests.chaos.trial import Job, Trial
from tests.chaos.usage import Memory
from tests.chaos.workload import Workload

LEADER_BYTES: Final = 1024 * 1024 * 1024
WRITES_A_SECOND: Final = 1.5
RECOVERY_SECONDS: Final = 20.0


@row(
    36,
    "a million tasks, a thousand jobs, mass failure",
    injection="all at once: one long job, many small ones, one whose every task fails",
    shows="the object stays small; at most a write a second and job; memory is bounded",
)
def overload(trial: Trial) -> None:
    rig = trial.rig
    many, small, failing = (1_000_000, 1000, 100_000) if trial.long else (15_000, 150, 1500)
    operators = [rig.component(name).pid for name in rig.operators]
    with Memory(operators) as memory:
        began = time.monotonic()
        failed = trial.plain(["false"], "Failed", tasks=failing, backoffLimitPerIndex=0, priority=1)
        large = trial.job(Workload(many, 0))
        for _ in range(small):
            trial.plain(["true"], priority=10)
        crowd = Injection("overload", "all", lambda: None)
        with trial.inject(crowd):
            trial.await_progress(large, 1.0, 3600)
        seconds = time.monotonic() - began
    trial.note(f"{many + small + failing:,} tasks in {seconds:.0f} s")
    trial.note(f"an operator occupied {memory.most / 2**20:.0f} MiB at most")
    trial.demand(memory.most < LEADER_BYTES, "H", f"{memory.most:,} bytes of memory")
    trial.await_progress(failed, 1.0, 600)
    _written_seldom(trial, large)


def _written_seldom(trial: Trial, job: Job) -> None:
    changes = trial.seen(job)
    seconds = changes[-1].moment - changes[0].moment
    allowed = 5 + WRITES_A_SECOND * seconds
    trial.demand(len(changes) <= allowed, "H", f"{len(changes)} writes in {seconds:.0f} s")


@row(
    37,
    "slow disk of etcd",
    injection="its data on a file system of its own, frozen for seconds at a time",
    shows="renewals survive it, or the hand-over is clean",
    only_long=True,
)
def slow_disk(trial: Trial) -> None:
    rig = trial.rig
    if any(shutil.which(tool) is None for tool in ("mkfs.ext4", "fsfreeze", "losetup")):
        raise CannotBeDoneError("no mkfs.ext4, losetup or fsfreeze: install e2fsprogs")
    folder, image = rig.state.data("etcd"), rig.folder / "etcd.img"
    death = kill(rig, "etcd")

    def move_in() -> None:
        death.begin()
        mount_image(image, folder)

    trial.strike(Injection("kill -9", "etcd", move_in, death.end))
    try:
        job = trial.job(Workload(1500, 0.05, flaky=50))
        trial.await_progress(job, 0.05)
        for seconds in (0.5, 1, 2, LEASE_SECONDS + 2):
            freeze = Injection(
                "frozen disk",
                "etcd",
                lambda: run("fsfreeze", "--freeze", str(folder)),
                lambda: run("fsfreeze", "--unfreeze", str(folder)),
            )
            trial.strike(freeze, seconds)
            trial.recovers(RECOVERY_SECONDS)
    finally:

        def move_out() -> None:
            death.begin()
            copy = rig.folder / "etcd-copy"
            shutil.copytree(folder, copy)
            run("umount", str(folder))
            shutil.rmtree(folder)
            copy.rename(folder)

        trial.strike(Injection("kill -9", "etcd", move_out, death.end))


def mount_image(image: Path, folder: Path) -> None:
    """Put what a folder holds on an ext4 of its own, mounted over it."""
    with image.open("wb") as file:
        file.truncate(512 * 1024 * 1024)
    run("mkfs.ext4", "-q", "-F", str(image))
    copy = folder.with_name("etcd-moving")
    folder.rename(copy)
    folder.mkdir(mode=0o700)
    try:
        run("mount", "-o", "loop", str(image), str(folder))
    except RuntimeError as error:
        folder.rmdir()
        copy.rename(folder)
        raise CannotBeDoneError(f"no file can be mounted here: {error}") from error
    shutil.copytree(copy, folder, dirs_exist_ok=True)
    folder.chmod(0o700)
    shutil.rmtree(copy)
