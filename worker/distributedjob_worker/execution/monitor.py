"""One thread that looks after running tasks: time limits, graces, long outputs, orphans.

It sleeps without a timer while nothing runs.
"""

import logging
import threading
import time
from typing import Final

from distributedjob_api import task_reasons
from distributedjob_worker.execution import capture
from distributedjob_worker.execution.launch import Process
from distributedjob_worker.execution.orphans import Sweeper
from distributedjob_worker.execution.processes import Processes

_log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.05
SWEEP_SECONDS: Final = 1.0
_PER_PROCESS_SECONDS: Final = 0.0002
"""Keeps the looking after a crowd of thousands below a few per cent of a core."""


class Monitor:
    """See the module; :meth:`run` is the thread."""

    def __init__(self, processes: Processes, mark: str) -> None:
        self._processes = processes
        self._sweeper = Sweeper(processes, mark)
        self._wake = threading.Event()
        self._parked = True
        self._sweep_at = 0.0

    def notice(self) -> None:
        """A process was started."""
        if self._parked:
            self._parked = False
            self._wake.set()

    def wake(self) -> None:
        """Something was ended: look after what it leaves behind soon."""
        self._parked = False
        self._sweep_at = 0.0
        self._wake.set()

    def run(self) -> None:
        """Look after the tasks for ever."""
        while True:
            self._wake.wait()
            self._wake.clear()
            while not self._idle():
                running = list(self._processes.running.values())
                now = time.monotonic()
                for process in running:
                    self._look_after(process, now)
                self._wake.wait(max(TICK_SECONDS, _PER_PROCESS_SECONDS * len(running)))
                self._wake.clear()

    def _idle(self) -> bool:
        """Sweep when it is time; whether nothing runs and nothing is left behind."""
        now = time.monotonic()
        quiet = not self._processes.running and not self._processes.starting
        if not quiet and now < self._sweep_at:
            return False
        self._sweep_at = now + SWEEP_SECONDS
        if quiet:
            self._parked = True
        try:
            left = self._sweeper.sweep()
        except OSError as error:
            # Tasks may take every descriptor; those that end give theirs back.
            _log.warning("cannot look for what tasks left behind yet: %s", error)
            self._parked = False
            return False
        if left:
            self._parked = False
            self._sweep_at = now + TICK_SECONDS
            return False
        # A task that was started since sees the mark and wakes this thread, or has
        # cleared it already.
        return quiet and self._parked

    def _look_after(self, process: Process, now: float) -> None:
        if process.kill_at:
            if now >= process.kill_at:
                self._processes.kill(process, process.stop_reason)
                self._sweep_at = 0.0
        elif process.deadline and now >= process.deadline:
            self._processes.terminate(process, task_reasons.DEADLINE_EXCEEDED)
            self._sweep_at = 0.0
        if now - process.began >= TICK_SECONDS:
            self._bound(process)

    def _bound(self, process: Process) -> None:
        limit = process.task.define.output_limit_bytes
        with self._processes.alive(process) as alive:
            if not alive:
                return
            largest = 0
            for descriptor in (process.stdout, process.stderr):
                length = capture.current_size(descriptor)
                largest = max(largest, length)
                if length > limit:
                    capture.bound(descriptor, length, limit)
        if largest > capture.HARD_LIMIT_BYTES:
            self._processes.kill(process, task_reasons.OUTPUT_TOO_LARGE)
