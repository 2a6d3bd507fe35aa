"""The control groups of the nodes: one tree in each hierarchy, removed at the end."""

import time
from pathlib import Path
from typing import Final

from distributedjob_local.errors import LocalError

ROOT: Final = Path("/sys/fs/cgroup")
NAME: Final = "djob-e2e"
CONTROLLERS: Final = ("cpu", "cpuset", "io", "memory", "pids")
EMPTY_SECONDS: Final = 10.0


def unified() -> bool:
    """Whether the machine has version 2 alone."""
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> list[Path]:
    """Where control groups are mounted."""
    if unified():
        return [ROOT]
    # A controller with two names is a link to one directory.
    return sorted({path.resolve() for path in ROOT.iterdir() if (path / "cgroup.procs").exists()})


def make(node: str) -> str:
    """Make the groups of a node; how kubelet calls them.

    Raises:
        LocalError: version 2 delegates too little here.
    """
    for hierarchy in hierarchies():
        group = hierarchy
        for part in (NAME, node):
            if unified():
                _delegate(group)
            group = group / part
            group.mkdir(exist_ok=True)
            for limit in ("cpuset.cpus", "cpuset.mems"):
                if not unified() and (group / limit).exists():
                    (group / limit).write_text((group.parent / limit).read_text())
    return f"/{NAME}/{node}"


def _delegate(group: Path) -> None:
    missing = set(CONTROLLERS) - set((group / "cgroup.subtree_control").read_text().split())
    try:
        (group / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in missing))
    except OSError as error:
        words = ", ".join(sorted(missing))
        raise LocalError(f"cannot delegate {words} below {group}: {error.strerror}") from error


def remove() -> None:
    """Remove every group that was made; their processes have ended.

    Raises:
        LocalError: there is still something in one.
    """
    deadline = time.monotonic() + EMPTY_SECONDS
    for top in present():
        groups = [top, *(path for path in top.rglob("*") if path.is_dir())]
        for group in sorted(groups, key=lambda path: -len(path.parts)):
            _remove(group, deadline)


def present() -> list[Path]:
    """The topmost groups that there are."""
    return [path for each in hierarchies() if (path := each / NAME).is_dir()]


def _remove(group: Path, deadline: float) -> None:
    while True:
        try:
            group.rmdir()
            return
        except OSError as error:  # A killed process leaves its groups a little later.
            if time.monotonic() > deadline:
                raise LocalError(f"cannot remove {group}: {error.strerror}") from error
            time.sleep(0.05)
