"""The slots: threads that each run one task after another, and one for the crowd.

Up to about a slot a core, a thread starts a task and waits for it: two system calls
and no event loop between two tasks. What fits beyond that, many small requests,
is run by a single thread that waits for all of them at once.

Where tasks come from is the core itself, or in a process of its own what the agent sent
(:mod:`~distributedjob_worker.execution.feed`). It is only touched under one lock, which
is held for microseconds and never over a system call that waits.
"""

import logging
import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from distributedjob_api import task_reasons
from distributedjob_api.messages import OutputRequest
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.execution import capture, orphans
from distributedjob_worker.execution.capture import Part
from distributedjob_worker.execution.launch import Launcher, Process
from distributedjob_worker.execution.monitor import Monitor
from distributedjob_worker.execution.processes import Processes, has_ended
from distributedjob_worker.execution.scratch import ScratchPool

_log = logging.getLogger(__name__)

_STARTS_IN_A_ROW: Final = 16
_LOOK_SECONDS: Final = 0.05


class Source(Protocol):
    """Where tasks come from and their ends go; every call is made under the lock."""

    @property
    def has_room(self) -> bool:
        """Whether another task may start, as far as slots go."""

    def take(self, now: float) -> Task | None:
        """The next task to start, or None."""

    def finish(self, task: Task, outcome: Outcome) -> bool:
        """A task ended; True if that is to be told sooner than what was known before."""

    def runs(self, task: Task) -> bool:
        """Whether this very attempt was taken and has not ended."""


@dataclass(frozen=True, slots=True)
class Room:
    """What all tasks of an agent share, and how many threads run them.

    ``home`` is the state directory, ``mark`` what the tasks' processes are known by.
    """

    home: Path
    node: str
    mark: str
    slots: int
    pool: Mapping[str, str]


class _Slot:
    """One thread's place to wait for a task."""

    def __init__(self) -> None:
        self.task: Task | None = None
        self.ready = threading.Lock()
        self.ready.acquire()


class Executor:
    """Runs what its source lets start, in threads of this process."""

    def __init__(
        self,
        source: Source,
        lock: threading.Lock,
        scratch: ScratchPool,
        room: Room,
    ) -> None:
        self._source = source
        self._lock = lock
        self._scratch = scratch
        self._room = room
        self._changed: Callable[[], None] = _nobody
        self._idle: list[_Slot] = []
        self._crowd: deque[Task] = deque()
        self._crowd_wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.processes = Processes(lock)
        self.monitor = Monitor(self.processes, room.mark)

    def start(
        self, changed: Callable[[], None], _lost: Callable[[str], None] | None = None
    ) -> None:
        """Start the threads; each waits until there is a task.

        ``changed`` is told when an end is to be told sooner than what was known
        before. Nobody can be lost here: the threads end with this process.
        """
        self._changed = changed
        for number in range(self._room.slots):
            self._thread(f"slot-{number}", self._run_slot)
        self._thread("crowd", self._run_crowd)
        self._thread("monitor", self.monitor.run)

    def wake(self) -> None:
        """There may be tasks to start."""
        with self._lock:
            self._dispatch(time.monotonic())

    def stop(self, tasks: Iterable[Task]) -> None:
        """End running tasks by command."""
        self.processes.stop(tasks, self._source.runs)
        self.monitor.wake()

    def recall(self, tasks: Iterable[Task]) -> None:
        """There is nothing to give back: slots that ask the core need no tasks ahead."""

    def show(self, task: Task, request: OutputRequest, tell: Callable[[Part, Part], None]) -> None:
        """Tell what a running task has written so far."""
        tell(*self.written(task, request.stdout_from, request.stderr_from, request.most))

    def written(
        self, task: Task, stdout_from: int, stderr_from: int, most: int
    ) -> tuple[Part, Part]:
        """What a running task wrote behind these offsets, ``most`` bytes of each stream."""
        process = self.processes.running.get(task)
        limit = task.define.output_limit_bytes
        if process is not None:
            with self.processes.alive(process) as alive:
                if alive:
                    return (
                        capture.part(process.stdout, stdout_from, most, limit),
                        capture.part(process.stderr, stderr_from, most, limit),
                    )
        # It is about to start, or just ended.
        return Part(), Part()

    def kill_all(self) -> None:
        """End every process of every task at once; for an agent that must go now."""
        self.processes.kill_all()
        orphans.end_descendants()

    def _thread(self, name: str, target: Callable[[], None]) -> None:
        threading.Thread(target=target, name=name, daemon=True).start()

    def _launcher(self) -> Launcher:
        room = self._room
        return Launcher(room.node, room.mark, self._scratch, room.pool)

    # -- under the lock ------------------------------------------------------------

    def _dispatch(self, now: float) -> None:
        """Hand startable tasks to idle threads, and the rest to the crowd's one."""
        source = self._source
        woken = False
        while source.has_room and (task := source.take(now)) is not None:
            if self._idle:
                slot = self._idle.pop()
                slot.task = task
                slot.ready.release()
            else:
                self._crowd.append(task)
                woken = True
        if woken:
            os.eventfd_write(self._crowd_wake, 1)

    def _done(self, task: Task, outcome: Outcome) -> bool:
        """Record an end; True if that makes a report due earlier than before."""
        self.processes.drop(task)
        return self._source.finish(task, outcome)

    # -- a thread a slot -----------------------------------------------------------

    def _run_slot(self) -> None:
        launcher = self._launcher()
        slot = _Slot()
        task: Task | None = None
        outcome: Outcome | None = None
        while True:
            changed = False
            now = time.monotonic()
            with self._lock:
                if task is not None and outcome is not None:
                    changed = self._done(task, outcome)
                task = self._source.take(now)
                if task is None:
                    self._idle.append(slot)
                elif self._source.has_room:
                    self._dispatch(now)
            if changed:
                self._changed()
            if task is None:
                slot.ready.acquire()
                task = slot.task
            if task is not None:
                outcome = self._run(launcher, task)

    def _run(self, launcher: Launcher, task: Task) -> Outcome:
        started = self._start(launcher, task)
        if isinstance(started, Outcome):
            return started
        os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
        while started.in_grace and not _over([started]):
            time.sleep(_LOOK_SECONDS)
        return self._end(launcher, started)

    def _end(self, launcher: Launcher, process: Process) -> Outcome:
        self.processes.ended(process)
        try:
            outcome = launcher.end(process)
        except Exception as error:
            # A slot outlives whatever one task's output does to it.
            _log.exception("the end of task %d could not be read", process.task.index)
            outcome = Outcome(process.started, 0.0, task_reasons.START_FAILED, -1, 0, str(error))
        if process.stop_reason:
            # Who was ended by force may have left more behind than a group.
            self.monitor.wake()
        return outcome

    def _start(self, launcher: Launcher, task: Task) -> Process | Outcome:
        processes = self.processes
        if task in processes.stops:
            return Outcome(time.time(), 0.0, task_reasons.STOPPED, -1, signal.SIGTERM)
        processes.starting.add(task)
        try:
            started = launcher.start(task)
        except Exception as error:
            # As in _end: whatever keeps one task from its start, its slot goes on.
            _log.exception("task %d could not be started", task.index)
            return Outcome(time.time(), 0.0, task_reasons.START_FAILED, -1, 0, str(error))
        else:
            if isinstance(started, Process):
                processes.add(started)
                self.monitor.notice()
            return started
        finally:
            processes.starting.discard(task)

    # -- one thread for the crowd --------------------------------------------------

    def _run_crowd(self) -> None:
        launcher = self._launcher()
        waiting: dict[int, Process] = {}
        watched: list[Process] = []
        poll = select.epoll()
        poll.register(self._crowd_wake, select.EPOLLIN)
        while True:
            for _ in range(_STARTS_IN_A_ROW):
                if not self._crowd:
                    break
                self._admit(launcher, poll, waiting, watched, self._crowd.popleft())
            patience = 0 if self._crowd else _LOOK_SECONDS if watched else -1
            for descriptor, _ in poll.poll(patience):
                if descriptor == self._crowd_wake:
                    os.eventfd_read(self._crowd_wake)
                    continue
                process = waiting.pop(descriptor)
                # A child between vfork and exec may share the open file: closing alone
                # would leave it in the set.
                poll.unregister(descriptor)
                os.close(descriptor)
                watched.append(process)
            for process in _over([each for each in watched if has_ended(each.pid)]):
                watched.remove(process)
                self._finish(process.task, self._end(launcher, process))

    def _admit(
        self,
        launcher: Launcher,
        poll: select.epoll,
        waiting: dict[int, Process],
        watched: list[Process],
        task: Task,
    ) -> None:
        started = self._start(launcher, task)
        if isinstance(started, Outcome):
            self._finish(task, started)
            return
        try:
            descriptor = os.pidfd_open(started.pid)
        except OSError:
            # No descriptor left to wait with: this one is looked at now and then.
            watched.append(started)
            return
        waiting[descriptor] = started
        poll.register(descriptor, select.EPOLLIN)

    def _finish(self, task: Task, outcome: Outcome) -> None:
        with self._lock:
            changed = self._done(task, outcome)
            self._dispatch(time.monotonic())
        if changed:
            self._changed()


def _over(ended: list[Process]) -> list[Process]:
    """Those of which nothing is in its grace any more, though their first processes have ended."""
    if not any(process.in_grace for process in ended):
        return ended
    living = orphans.living_groups()
    return [process for process in ended if not (process.in_grace and process.pid in living)]


def _nobody() -> None:
    """Is told before anybody listens."""
