"""A memory limit for one process and its children, as a container has one."""

from pathlib import Path
from typing import Final

from tests.chaos.registry import CannotBeDoneError
from tests.support.waiting import wait_until

ROOTS: Final = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)


class MemoryLimit:
    """A control group of either version."""

    def __init__(self, name: str, size: int) -> None:
        for root, file in ROOTS:
            self._root, self.path = root, root / name
            try:
                self.path.mkdir(exist_ok=True)
                (self.path / file).write_text(str(size))
            except OSError:
                continue
            return
        raise CannotBeDoneError("no control group with a memory limit can be made here")

    def take(self, pid: int) -> None:
        """Put a process, and what it starts from now on, under the limit."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        """Let out whoever is left, and remove the group."""
        for pid in self._inhabitants():
            (self._root / "cgroup.procs").write_text(pid)
        wait_until(self._inhabitants, lambda left: not left, 10, "the control group is empty")
        self.path.rmdir()

    def _inhabitants(self) -> list[str]:
        return (self.path / "cgroup.procs").read_text().split()
