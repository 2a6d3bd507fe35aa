"""An executor process: the slots of :mod:`executor`, fed by the agent over a socket.

It decides nothing. It starts what it is told to, sends each end, and goes when the
agent is gone: then every process of its tasks is ended, as the agent itself would.
"""

import contextlib
import signal
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, assert_never

from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.execution import linux, presence, wire
from distributedjob_worker.execution.capture import Part
from distributedjob_worker.execution.executor import Executor, Room
from distributedjob_worker.execution.scratch import ScratchPool

if TYPE_CHECKING:
    from distributedjob_api.messages import Define

READ_BYTES: Final = 256 * 1024

TELL_SECONDS: Final = 0.002
"""How long an end waits for others, where the slot has its next task already."""
TELL_COUNT: Final = 64
"""Ends that are told at once."""
STALE_SECONDS: Final = 0.05
"""How long a task stays ahead: what ran short runs long, and others may be free."""


Written = Callable[[Task, int, int, int], tuple[Part, Part]]
"""What a running task wrote, as :meth:`~.executor.Executor.written` says it."""


@dataclass(slots=True)
class _Entry:
    """A task, and what the agent calls it and its job."""

    number: int
    key: int
    task: Task
    since: float = 0.0


@dataclass(slots=True)
class _Lane:
    """One job here: how many of its tasks run, and which may take their places."""

    running: int = 0
    ahead: OrderedDict[int, _Entry] = field(default_factory=OrderedDict)


class Feed:
    """The executor's :class:`~distributedjob_worker.execution.executor.Source`."""

    def __init__(
        self,
        lock: threading.Lock,
        connection: socket.socket,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = lock
        self._connection = connection
        self._clock = clock
        self._sending = threading.Lock()
        self._later = threading.Event()
        self._jobs: dict[int, Define] = {}
        self._starts: deque[Task] = deque()
        self._running: dict[Task, _Entry] = {}
        self._numbers: dict[int, _Entry] = {}
        self._lanes: dict[int, _Lane] = {}
        self._news: list[wire.ToAgent] = []
        self._asked: list[wire.Show] = []

    # -- for the slots, under the lock ---------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether anything waits to be started: the agent has counted the slots."""
        return bool(self._starts)

    def take(self, _now: float) -> Task | None:
        """The task that was to be started first."""
        return self._starts.popleft() if self._starts else None

    def finish(self, task: Task, outcome: Outcome) -> bool:
        """Note an end, and let the next task of the job take its place.

        Returns:
            Whether the agent has to know at once: its slot is free, or many ends wait.
        """
        ended = self._running.pop(task)
        del self._numbers[ended.number]
        lane = self._lanes[ended.key]
        lane.running -= 1
        if not lane.ahead:
            if not lane.running:
                del self._lanes[ended.key]
            self._news.append(wire.Ended(ended.number, outcome, -1))
            return True
        _, following = lane.ahead.popitem(last=False)
        self._start(lane, following)
        if not self._news:
            self._later.set()
        self._news.append(wire.Ended(ended.number, outcome, following.number))
        return len(self._news) >= TELL_COUNT

    def runs(self, task: Task) -> bool:
        """Whether the task has not ended."""
        return task in self._running

    def _start(self, lane: _Lane, entry: _Entry) -> None:
        lane.running += 1
        self._running[entry.task] = entry
        self._starts.append(entry.task)

    # -- to the agent --------------------------------------------------------------

    def tell(self) -> None:
        """Send what there is to say; what comes while others are sent goes together."""
        with self._sending:
            with self._lock:
                news, self._news = self._news, []
            if news:
                with contextlib.suppress(OSError):  # the agent is gone: `follow` sees it
                    self._connection.sendall(wire.frame(news))

    def tell_later(self) -> None:
        """The thread that sends what may wait a little, and gives back what is stale."""
        any_ahead = False
        while True:
            self._later.wait(STALE_SECONDS if any_ahead else None)
            self._later.clear()
            time.sleep(TELL_SECONDS)
            with self._lock:
                any_ahead = self.give_back_stale(self._clock())
            self.tell()

    def give_back_stale(self, now: float) -> bool:
        """Give back what has been ahead for long; whether anything still is.

        Called under the lock.
        """
        any_ahead = False
        for lane in self._lanes.values():
            for entry in list(lane.ahead.values()):
                if now - entry.since < STALE_SECONDS:
                    any_ahead = True
                    break
                del lane.ahead[entry.number]
                self._give_back(entry)
        return any_ahead

    def _give_back(self, entry: _Entry) -> None:
        del self._numbers[entry.number]
        self._news.append(wire.Back(entry.number))
        self._later.set()

    # -- from the agent ------------------------------------------------------------

    def follow(self, executor: Executor) -> None:
        """Do what the agent says until it is gone."""
        frames = wire.executor_frames()
        with contextlib.suppress(ConnectionError):
            while data := self._connection.recv(READ_BYTES):
                with self._lock:
                    stops = self.apply(frames.feed(data))
                executor.wake()
                if stops:
                    executor.stop(stops)
                self.show(executor.written)

    def show(self, written: Written) -> None:
        """Answer what the agent asked about tasks, each in its turn."""
        asked, self._asked = self._asked, []
        for ask in asked:
            with self._lock:
                entry = self._numbers.get(ask.number)
            parts = Part(), Part()
            if entry is not None:
                parts = written(entry.task, ask.stdout_from, ask.stderr_from, ask.most)
            with self._lock:
                self._news.append(wire.Shown(*parts))
        if asked:
            self.tell()

    def close(self) -> None:
        """Let nothing start any more."""
        with self._lock:
            self._starts.clear()
            for lane in self._lanes.values():
                lane.ahead.clear()

    def apply(self, messages: Iterable[wire.ToExecutor]) -> list[Task]:
        """Take orders, under the lock; returns the running tasks that are to be ended."""
        stops: list[Task] = []
        for message in messages:
            match message:
                case wire.Job():
                    self._jobs[message.key] = message.define
                case wire.Drop():
                    del self._jobs[message.key]
                case wire.Start():
                    self._admit(message)
                case wire.Stop() | wire.Recall():
                    for number in message.numbers:
                        running = self._recall(number)
                        if running is not None and isinstance(message, wire.Stop):
                            stops.append(running)
                case wire.Show():
                    self._asked.append(message)
                case _:
                    assert_never(message)
        return stops

    def _recall(self, number: int) -> Task | None:
        """Give back a task that is ahead; returns one that runs.

        Whatever is not here has ended, and its end is on its way.
        """
        entry = self._numbers.get(number)
        if entry is None:
            return None
        lane = self._lanes[entry.key]
        if number not in lane.ahead:
            return entry.task
        self._give_back(lane.ahead.pop(number))
        return None

    def _admit(self, message: wire.Start) -> None:
        key, number = message.key, message.number
        task = Task(self._jobs[key], message.index, message.ended, message.item)
        entry = self._numbers[number] = _Entry(number, key, task, self._clock())
        if not message.ahead:
            self._start(self._lanes.setdefault(key, _Lane()), entry)
        elif key in self._lanes:
            self._lanes[key].ahead[number] = entry
            self._later.set()
        else:
            # The last of its job has ended meanwhile: there is no place to take.
            self._give_back(entry)


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
    threading.Thread(target=feed.tell_later, name="teller", daemon=True).start()
    try:
        feed.follow(executor)
    finally:
        feed.close()
        executor.kill_all()
