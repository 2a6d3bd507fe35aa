"""What tasks leave behind: processes that outlived their parent, found and ended.

The agent is a child subreaper, so a descendant that loses its parent becomes the
agent's child, whatever session or group it moved to. Its environment tells which
task it belongs to; while that task runs, it may stay.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from distributedjob_worker.core.program import MARK
from distributedjob_worker.core.queues import Task
from distributedjob_worker.execution import presence
from distributedjob_worker.execution.processes import Processes, has_ended

_SETTLE_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 10.0
_CHILDREN_LISTED: Final = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
"""Whether the kernel has CONFIG_PROC_CHILDREN."""


@dataclass(frozen=True, slots=True)
class _Stat:
    parent: int
    group: int
    zombie: bool
    born: int


class Sweeper:
    """Finds the agent's children that no slot waits for."""

    def __init__(self, processes: Processes, mark: str) -> None:
        self._processes = processes
        self._mark = mark
        self._unmarked: dict[tuple[int, int], frozenset[Task]] = {}

    def sweep(self) -> int:
        """Reap and end orphans; returns how many were ended, so as to look again."""
        children = set(_children())
        tasks = self._settled()
        if tasks is None:
            # A start takes long: its child could be taken for an orphan, and be reaped
            # before the thread that waits for it.
            return 0
        # Taken after the list of children: what is in it and not here is an orphan.
        own = {process.pid for process in list(self._processes.running.values())}
        ended = 0
        unmarked: dict[tuple[int, int], frozenset[Task]] = {}
        for pid in children - own:
            found = _stat(pid)
            if found is None or found.parent != os.getpid():
                continue
            if found.zombie and has_ended(pid):
                _reap(pid)
                continue
            since = self._unmarked.get((pid, found.born), tasks)
            if self._may_stay(pid, tasks, since):
                unmarked[pid, found.born] = since
            else:
                _kill(pid)
                ended += 1
        self._unmarked = unmarked
        return ended

    def _settled(self) -> frozenset[Task] | None:
        """The tasks that run now, once those that were just starting are listed.

        None where some of them still are not, after a while.
        """
        starting = set(self._processes.starting)
        deadline = time.monotonic() + _SETTLE_SECONDS
        while starting & self._processes.starting and time.monotonic() < deadline:
            time.sleep(0.001)
        if starting & self._processes.starting:
            return None
        return frozenset((*self._processes.running, *self._processes.starting))

    def _may_stay(self, pid: int, tasks: frozenset[Task], since: frozenset[Task]) -> bool:
        environment = _environment(pid)
        if environment.get(MARK) == self._mark:
            owner = tuple(environment.get(name) for name in _OWNER)
            return any(
                (task.define.uid, str(task.index), str(task.attempt)) == owner for task in tasks
            )
        # A child that has not executed yet, or one that hides its environment: it
        # belongs to a task that ran when it was first seen.
        return bool(since & tasks)


_OWNER: Final = ("DJOB_UID", "DJOB_INDEX", "DJOB_ATTEMPT")


def living_groups() -> set[int]:
    """The process groups of this process' children, zombies left out.

    What a leader that has ended had started is a child of ours by now. Where nobody can
    look there is none.
    """
    with contextlib.suppress(OSError):
        found = map(_stat, _children())
        return {each.group for each in found if each is not None and not each.zombie}
    return set()


def end_descendants() -> None:
    """Kill every descendant of this process, whoever waits for it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        alive = [pid for pid in _children() if not has_ended(pid)]
        if not alive:
            return
        for pid in alive:
            _kill(pid)
        time.sleep(0.005)


def end_leftovers(prefix: str, home: Path) -> int:
    """End what earlier incarnations left: every process whose mark begins so.

    Executor processes go first, lest they start another task: those that hold a
    place in the state directory ``home``.

    Returns:
        How many were ended.

    Raises:
        TimeoutError: some process survives SIGKILL.
    """
    ended: set[int] = set()
    wanted = f"{MARK}={prefix}".encode()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        alive = presence.holders(home) or [
            pid
            for pid in _every_pid()
            if pid != os.getpid() and any(part.startswith(wanted) for part in _raw_environment(pid))
        ]
        if not alive:
            return len(ended)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes of an earlier agent do not end: {alive}")
        for pid in filter(None, alive):
            _kill(pid)
        ended.update(alive)
        time.sleep(0.005)


def _children() -> list[int]:
    if not _CHILDREN_LISTED:
        me = os.getpid()
        return [
            pid for pid in _every_pid() if (found := _stat(pid)) is not None and found.parent == me
        ]
    children: list[int] = []
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            text = Path(f"/proc/self/task/{thread}/children").read_text()
            children += map(int, text.split())
    return children


def _every_pid() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name in brackets may hold anything, brackets too.
    fields = text[text.rindex(b")") + 2 :].split()
    return _Stat(
        parent=int(fields[1]),
        group=int(fields[2]),
        zombie=fields[0] in (b"Z", b"X"),
        born=int(fields[19]),
    )


def _raw_environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _environment(pid: int) -> dict[str, str]:
    pairs = (part.partition(b"=") for part in _raw_environment(pid))
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
