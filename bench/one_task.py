"""Where a slot's time goes between the exit of one task and the start of the next.

The parts of the worker are wrapped in clocks while a slot runs; each part's time is its own,
without that of the parts inside it. The clocks add about a microsecond to each part.
"""

import functools
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from distributedjob_worker.core.worker import Worker
from distributedjob_worker.execution import capture, linux
from distributedjob_worker.execution.executor import Executor
from distributedjob_worker.execution.launch import Launcher, _Text
from distributedjob_worker.execution.scratch import ScratchPool

PARTS: tuple[tuple[Any, str, str], ...] = (
    (os, "waitid", "wait: until the task has ended"),
    (os, "killpg", "kill what is left of its group"),
    (os, "waitpid", "reap"),
    (capture, "size", "output: sizes of both files"),
    (Launcher, "_close", "output: close both files"),
    (ScratchPool, "give_back", "scratch directory: look whether it was touched"),
    (Launcher, "end", "outcome: status, reason, record"),
    (Executor, "_done", "core: end of the task"),
    (Worker, "take", "core: choice of the next task"),
    (ScratchPool, "take", "scratch directory: take a free one"),
    (capture, "create", "output: make both files"),
    (_Text, "fill", "arguments and environment: fill in"),
    (linux, "spawn", "posix_spawn: until the task has executed"),
    (Launcher, "_spawn", "program: look up what is prepared"),
    (Launcher, "start", "start: times, deadline, process entry"),
    (Executor, "_run", "slot: list of running processes, marks, monitor"),
)


class Clocks:
    """CPU and wall seconds of each part, in all threads."""

    def __init__(self) -> None:
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.wall: defaultdict[str, float] = defaultdict(float)
        self._inside = threading.local()

    def install(self) -> None:
        """Wrap every part; there is no way back, so the process is one for measuring."""
        for owner, name, label in PARTS:
            setattr(owner, name, self._timed(getattr(owner, name), label))

    def table(self, tasks: int) -> str:
        """Microseconds a task, in the order in which things happen."""
        lines = [f"{'us a task':<52}{'CPU':>7}{'wall':>8}"]
        labels = [label for _, _, label in PARTS]
        for label in labels:
            cpu, wall = self.cpu[label] / tasks * 1e6, self.wall[label] / tasks * 1e6
            lines.append(f"{label:<52}{cpu:>7.1f}{wall:>8.1f}")
        waited, between = labels[0], labels[1:]
        cpu = sum(self.cpu[label] for label in labels) / tasks * 1e6
        wall = sum(self.wall[label] for label in between) / tasks * 1e6
        lines.append(
            f"{'all; wall without ' + repr(waited.split(':')[0]):<52}{cpu:>7.1f}{wall:>8.1f}"
        )
        return "\n".join(lines)

    def _timed(self, call: Callable[..., Any], label: str) -> Callable[..., Any]:
        @functools.wraps(call)
        def timed(*arguments: Any, **named: Any) -> Any:
            outer = getattr(self._inside, "parts", (0.0, 0.0))
            self._inside.parts = (0.0, 0.0)
            cpu, wall = time.thread_time(), time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
                inner = self._inside.parts
                self.cpu[label] += cpu - inner[0]
                self.wall[label] += wall - inner[1]
                self._inside.parts = (outer[0] + cpu, outer[1] + wall)

        return timed
