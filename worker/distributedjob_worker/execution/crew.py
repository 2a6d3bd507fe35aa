"""Several executor processes: one interpreter starts a few thousand tasks a second, no more.

The agent keeps the core, the session and the spool; executors start, watch and end
processes, each with threads and an interpreter lock of its own. One thread here hears
what ended, gives it to the core, and sends what the core lets start next.

When an executor ends, what it ran is unknown. The agent then ends as well: its next
incarnation finds and ends what is left, and the leader treats what ran as it does after
any crash of a worker.
"""

import gc
import itertools
import logging
import os
import select
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, assert_never

from distributedjob_api.messages import Define, OutputRequest
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.worker import Worker
from distributedjob_worker.execution import feed, orphans, wire
from distributedjob_worker.execution.capture import Part
from distributedjob_worker.execution.executor import Room

_log = logging.getLogger(__name__)

_JOBS: Final = 128
"""Definitions that an executor keeps, at most."""


AHEAD_SECONDS: Final = 0.01
"""About how long an executor goes on without a word of the agent."""
AHEAD_MOST: Final = 16
"""Tasks ahead for each that runs, at most."""
_PACE_WEIGHT: Final = 0.2
_LONG_SECONDS: Final = 1.0
"""What is not known to be short is long."""


class _Executor:
    """One process, seen from the agent."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.pid = pid
        self.connection = connection
        self.frames = wire.agent_frames()
        self.running: dict[int, Task] = {}
        self.ahead: dict[int, Task] = {}
        self.pace = _LONG_SECONDS
        self.outbox: list[wire.ToExecutor] = []
        self.asked: deque[Callable[[Part, Part], None]] = deque()
        self.unsent = bytearray()
        self.sending = threading.Lock()
        self.blocked = False
        self.gone = False
        self._numbers = itertools.count()
        self._keys = itertools.count()
        # Each entry keeps its definition alive, so that its id stays its own.
        self._jobs: OrderedDict[int, tuple[int, Define]] = OrderedDict()

    def start(self, task: Task, *, ahead: bool = False) -> int:
        """Queue the message that starts a task; returns the task's number."""
        number = next(self._numbers)
        (self.ahead if ahead else self.running)[number] = task
        key = self._key(task.define)
        self.outbox.append(wire.Start(number, key, task.index, task.ended, task.item, ahead))
        return number

    def wanted(self) -> int:
        """How many more tasks it could have ahead: none of long ones, some of short ones."""
        each = int(AHEAD_SECONDS / max(self.pace, AHEAD_SECONDS / AHEAD_MOST))
        missing = each * len(self.running) - len(self.ahead)
        # In few messages rather than in many.
        return missing if 2 * missing >= each * len(self.running) else 0

    def _key(self, define: Define) -> int:
        known = self._jobs.get(id(define))
        if known is not None:
            self._jobs.move_to_end(id(define))
            return known[0]
        if len(self._jobs) >= _JOBS:
            _, (key, _) = self._jobs.popitem(last=False)
            self.outbox.append(wire.Drop(key))
        key = next(self._keys)
        self._jobs[id(define)] = key, define
        self.outbox.append(wire.Job(key, define))
        return key


class Crew:
    """Runs what the core lets start, in other processes."""

    def __init__(self, core: Worker, lock: threading.Lock) -> None:
        self._core = core
        self._lock = lock
        self._broken = False
        self._executors: list[_Executor] = []
        self._places: dict[Task, tuple[_Executor, int]] = {}
        self._poll = select.epoll()

    def fork(self, count: int, room: Room, inherited: Iterable[Callable[[], None]]) -> None:
        """Start the processes, before this one has any thread.

        A fork rather than a new program: it needs no way to find the interpreter
        again, and the pages of one agent serve all. ``inherited`` closes what the
        agent has open and an executor must not.
        """
        gc.collect()
        gc.freeze()
        for place in range(count):
            ours, theirs = socket.socketpair()
            pid = os.fork()
            if pid == 0:
                ours.close()
                _be_executor(theirs, place, room, [*self._closers(), *inherited])
            theirs.close()
            self._executors.append(_Executor(pid, ours))

    def start(self, changed: Callable[[], None], lost: Callable[[str], None]) -> None:
        """Start the thread that listens to them.

        ``changed`` is told when a report is due earlier than before, ``lost``, once,
        when an executor ended by itself.
        """
        for executor in self._executors:
            self._poll.register(executor.connection, select.EPOLLIN)
        threading.Thread(
            target=self._listen, args=(changed, lost), name="executors", daemon=True
        ).start()

    @property
    def pids(self) -> list[int]:
        """The executors' processes."""
        return [executor.pid for executor in self._executors]

    def wake(self) -> None:
        """There may be tasks to start."""
        with self._lock:
            touched = self._dispatch(time.monotonic())
        self._flush(touched)

    def stop(self, tasks: Iterable[Task]) -> None:
        """End running tasks by command, and give back those ahead."""
        self._tell(tasks, wire.Stop)

    def recall(self, tasks: Iterable[Task]) -> None:
        """Give back tasks ahead, unless they were started meanwhile."""
        self._tell(tasks, wire.Recall)

    def show(self, task: Task, request: OutputRequest, tell: Callable[[Part, Part], None]) -> None:
        """Ask whoever runs a task what it has written so far."""
        with self._lock:
            place = self._places.get(task)
            if place is not None:
                executor, number = place
                # An executor answers in the order in which it is asked.
                executor.asked.append(tell)
                offsets = request.stdout_from, request.stderr_from
                executor.outbox.append(wire.Show(number, *offsets, request.most))
        if place is None:
            tell(Part(), Part())
        else:
            self._flush([place[0]])

    def _tell(
        self, tasks: Iterable[Task], kind: Callable[[list[int]], wire.Stop | wire.Recall]
    ) -> None:
        chosen: dict[_Executor, list[int]] = {}
        with self._lock:
            for task in tasks:
                if task in self._places:
                    executor, number = self._places[task]
                    chosen.setdefault(executor, []).append(number)
            for executor, numbers in chosen.items():
                executor.outbox.append(kind(numbers))
        self._flush(chosen)

    def kill_all(self) -> None:
        """End the executors and every process of every task at once."""
        orphans.end_descendants()

    def _closers(self) -> Iterator[Callable[[], None]]:
        yield self._poll.close
        for executor in self._executors:
            yield executor.connection.close

    # -- under the lock ------------------------------------------------------------

    def _dispatch(self, now: float, free: _Executor | None = None) -> set[_Executor]:
        """Hand startable tasks to whoever runs the fewest; returns who got some."""
        core = self._core
        touched: set[_Executor] = set()
        while not self._broken and core.has_room and (task := core.take(now)) is not None:
            executor, free = free or min(self._executors, key=_load), None
            self._places[task] = executor, executor.start(task)
            touched.add(executor)
        return touched

    def _apply(self, executor: _Executor, messages: list[wire.ToAgent]) -> bool:
        """Tell the core what happened; True if a report is due earlier than before."""
        core, sooner = self._core, False
        for message in messages:
            match message:
                case wire.Ended():
                    task = executor.running.pop(message.number)
                    del self._places[task]
                    sooner |= core.finish(task, message.outcome)
                    executor.pace += _PACE_WEIGHT * (message.outcome.duration - executor.pace)
                    if message.then >= 0:
                        following = executor.ahead.pop(message.then)
                        executor.running[message.then] = following
                        core.follow(following)
                case wire.Back():
                    task = executor.ahead.pop(message.number)
                    del self._places[task]
                    sooner |= core.give_back(task)
                    executor.pace = _LONG_SECONDS
                case wire.Shown():
                    executor.asked.popleft()(message.stdout, message.stderr)
                case _:
                    assert_never(message)
        return sooner

    def _hand_ahead(self, executor: _Executor) -> bool:
        """Let an executor go on by itself for a moment, where its tasks are short."""
        wanted = executor.wanted()
        if not wanted or self._broken:
            return False
        define = next(reversed(executor.running.values())).define
        tasks = self._core.take_ahead(define, wanted, 2 * len(self._executors))
        for task in tasks:
            self._places[task] = executor, executor.start(task, ahead=True)
        return bool(tasks)

    # -- sockets -------------------------------------------------------------------

    def _listen(self, changed: Callable[[], None], lost: Callable[[str], None]) -> None:
        by_descriptor = {one.connection.fileno(): one for one in self._executors}
        while True:
            for descriptor, events in self._poll.poll():
                executor = by_descriptor[descriptor]
                if events & select.EPOLLOUT:
                    self._flush([executor])
                if events & ~select.EPOLLOUT:
                    try:
                        sooner = self._hear(executor)
                    except Exception as error:
                        self._poll.unregister(executor.connection)
                        self._give_up(executor, error, lost)
                    else:
                        if sooner:
                            changed()

    def _hear(self, executor: _Executor) -> bool:
        """Take what arrived; True if that makes a report due earlier than before."""
        try:
            data = executor.connection.recv(feed.READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            raise ConnectionError("it ended")
        messages = executor.frames.feed(data)
        with self._lock:
            sooner = self._apply(executor, messages)
            touched = self._dispatch(time.monotonic(), executor)
            if self._hand_ahead(executor):
                touched.add(executor)
        self._flush(touched)
        return sooner

    def _give_up(self, executor: _Executor, why: Exception, lost: Callable[[str], None]) -> None:
        """Whatever is wrong with an executor: what it runs is unknown from here on."""
        with self._lock:
            first, self._broken = not self._broken, True
            executor.gone = True
        if first:
            lost(f"the executor process {executor.pid} is lost ({why}): the agent ends as well")

    def _flush(self, executors: Iterable[_Executor]) -> None:
        for executor in executors:
            with executor.sending:
                with self._lock:
                    messages, executor.outbox = executor.outbox, []
                if messages:
                    executor.unsent += wire.frame(messages)
                self._send(executor)

    def _send(self, executor: _Executor) -> None:
        """Send without waiting: an executor that does not read holds up nobody."""
        if executor.gone:
            return
        try:
            while executor.unsent:
                del executor.unsent[: executor.connection.send(executor.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            return  # It is gone, and the listening thread hears of it.
        blocked = bool(executor.unsent)
        if blocked != executor.blocked:
            executor.blocked = blocked
            wanted = select.EPOLLIN | (select.EPOLLOUT if blocked else 0)
            self._poll.modify(executor.connection, wanted)


def _load(executor: _Executor) -> int:
    return len(executor.running)


def _be_executor(
    connection: socket.socket, place: int, room: Room, closers: Iterable[Callable[[], None]]
) -> None:
    """Never returns: the agent's own work goes on in the parent alone."""
    code = 1
    try:
        for close in closers:
            close()
        feed.serve(connection, place, room)
        code = 0
    except BaseException:
        _log.exception("executor %d", place)
    finally:
        os._exit(code)
