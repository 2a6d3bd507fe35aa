"""An executor process: the slots of :mod:`executor`, fed by the agent over a socket.

It decides nothing. It starts what it is told to, sends each end, and goes when the
agent is gone: then every process of its tasks is ended, as the agent itself would.
"""

import contextlib
import signal
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, assert_never

from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.execution import linux, presence, wire
from distributedjob_worker.execution.executor import Executor, Room
from distributedjob_worker.execution.scratch import ScratchPool

if TYPE_CHECKING:
    from distributedjob_api.messages import Define

READ_BYTES: Final = 256 * 1024


class Feed:
    """The executor's :class:`~distributedjob_worker.execution.executor.Source`."""

    def __init__(self, lock: threading.Lock, connection: socket.socket) -> None:
        self._lock = lock
        self._connection = connection
        self._sending = threading.Lock()
        self._jobs: dict[int, Define] = {}
        self._starts: deque[Task] = deque()
        self._tasks: dict[int, Task] = {}
        self._numbers: dict[Task, int] = {}
        self._ended: list[wire.ToAgent] = []

    # -- for the slots, under the lock ---------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether anything waits to be started: the agent has counted the slots."""
        return bool(self._starts)

    def take(self, _now: float) -> Task | None:
        """The task that was to be started first."""
        return self._starts.popleft() if self._starts else None

    def finish(self, task: Task, outcome: Outcome) -> bool:
        """Note an end; the agent is always told at once."""
        number = self._numbers.pop(task)
        del self._tasks[number]
        self._ended.append(wire.Ended(number, outcome))
        return True

    def runs(self, task: Task) -> bool:
        """Whether the task has not ended."""
        return task in self._numbers

    # -- to the agent --------------------------------------------------------------

    def tell(self) -> None:
        """Send what ended; ends that come while others are sent go together."""
        with self._sending:
            with self._lock:
                ended, self._ended = self._ended, []
            if ended:
                with contextlib.suppress(OSError):  # the agent is gone: `follow` sees it
                    self._connection.sendall(wire.frame(ended))

    # -- from the agent ------------------------------------------------------------

    def follow(self, executor: Executor) -> None:
        """Do what the agent says until it is gone."""
        frames = wire.executor_frames()
        with contextlib.suppress(ConnectionError):
            while data := self._connection.recv(READ_BYTES):
                stops: list[Task] = []
                with self._lock:
                    for message in frames.feed(data):
                        self._apply(message, stops)
                executor.wake()
                if stops:
                    executor.stop(stops)

    def close(self) -> None:
        """Let nothing start any more."""
        with self._lock:
            self._starts.clear()

    def _apply(self, message: wire.ToExecutor, stops: list[Task]) -> None:
        match message:
            case wire.Job():
                self._jobs[message.key] = message.define
            case wire.Drop():
                del self._jobs[message.key]
            case wire.Start():
                define = self._jobs[message.key]
                task = Task(define, message.index, message.ended, message.item)
                self._tasks[message.number] = task
                self._numbers[task] = message.number
                self._starts.append(task)
            case wire.Stop():
                # Whatever is not here has ended, and its end is on its way.
                stops += [self._tasks[one] for one in message.numbers if one in self._tasks]
            case _:
                assert_never(message)


def serve(connection: socket.socket, place: int, room: Room) -> None:
    """Be the executor number ``place`` in this process until its agent is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # A terminal and some supervisors signal the whole group: the agent decides.
        signal.signal(number, signal.SIG_IGN)
    linux.adopt_orphans()
    presence.hold(room.home, place)
    lock = threading.Lock()
    feed = Feed(lock, connection)
    scratch = ScratchPool(room.home / "scratch" / f"executor-{place}")
    executor = Executor(feed, lock, scratch, room)
    executor.start(feed.tell)
    try:
        feed.follow(executor)
    finally:
        feed.close()
        executor.kill_all()
