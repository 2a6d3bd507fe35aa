"""The tasks' processes: who runs, who is to be ended, and signals that never go astray."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from distributedjob_api import task_reasons
from distributedjob_worker.core.queues import Task
from distributedjob_worker.execution.launch import Process


class Processes:
    """Every running process, from just after its start until it was reaped.

    A signal is sent only under the lock and only to a process that is not marked
    as ended: nobody has reaped it yet, so its number belongs to nobody else.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self.running: dict[Task, Process] = {}
        self.starting: set[Task] = set()
        self.stops: set[Task] = set()

    def add(self, process: Process) -> None:
        """A process was started; ends it if its task was stopped meanwhile."""
        task = process.task
        self.running[task] = process
        # After the entry is visible: whoever stops the task sees one or the other.
        if task in self.stops:
            self.terminate(process, task_reasons.STOPPED)

    def ended(self, process: Process) -> None:
        """A process has ended and is about to be reaped: no signal from here on."""
        with self._lock:
            process.ended = True

    def drop(self, task: Task) -> None:
        """A task has its outcome; called under the lock."""
        self.running.pop(task, None)
        self.stops.discard(task)

    def stop(self, tasks: Iterable[Task], runs: Callable[[Task], bool]) -> None:
        """End tasks by command, whether their process is there yet or not."""
        with self._lock:
            chosen = [task for task in tasks if runs(task)]
            self.stops.update(chosen)
        for task in chosen:
            process = self.running.get(task)
            if process is not None:
                self.terminate(process, task_reasons.STOPPED)

    def terminate(self, process: Process, reason: str) -> None:
        """SIGTERM to the whole group, and SIGKILL after the grace."""
        with self.alive(process) as alive:
            # One that has ended and was not reaped yet keeps its own outcome.
            if not alive or process.stop_reason or has_ended(process.pid):
                return
            process.stop_reason = reason
            process.in_grace = True
            process.kill_at = time.monotonic() + process.task.define.grace_seconds
            _signal_group(process.pid, signal.SIGTERM)
            # A stopped process takes its SIGTERM when it goes on.
            _signal_group(process.pid, signal.SIGCONT)

    def kill(self, process: Process, reason: str) -> None:
        """SIGKILL to the whole group; again after a second if it is still there."""
        with self.alive(process) as alive:
            if alive:
                process.stop_reason = process.stop_reason or reason
                process.in_grace = False
                process.kill_at = time.monotonic() + 1.0
                _signal_group(process.pid, signal.SIGKILL)

    def kill_all(self) -> None:
        """SIGKILL to every group."""
        for process in list(self.running.values()):
            self.kill(process, task_reasons.STOPPED)

    @contextlib.contextmanager
    def alive(self, process: Process) -> Iterator[bool]:
        """Hold a process as it is: its number and its files stay its own meanwhile."""
        with self._lock:
            yield not process.ended


def has_ended(child: int) -> bool:
    """Whether all threads of a child have: only then are its own children ours.

    A zombie, as /proc shows it, may be the first thread alone.
    """
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
