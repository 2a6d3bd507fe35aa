"""The shell around the core: it applies effects and keeps the one timer.

Everything here runs on the event loop's thread and waits for nothing but messages
and the timer.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol, assert_never

from distributedjob_api.messages import (
    JournalBatch,
    LeaderMessage,
    MessageError,
    OutputReply,
    OutputRequest,
    decode_leader,
    encode_message,
)
from distributedjob_worker.core.effects import (
    Effect,
    Journal,
    Publish,
    Recall,
    Release,
    Show,
    Stop,
    Store,
    Wake,
)
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.worker import Worker
from distributedjob_worker.execution.capture import Part
from distributedjob_worker.refused import Refused
from distributedjob_worker.spool import Spool
from distributedjob_worker.tally import Tally

_log = logging.getLogger(__name__)

LEAVE_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 1.0


class Transport(Protocol):
    """What the agent needs of NATS."""

    def publish(self, data: bytes) -> None:
        """Send to the leader, now or never."""

    def record(self, batch: JournalBatch) -> None:
        """Hand a batch to the journal."""

    @property
    def dropped_records(self) -> int:
        """How many records the journal never got, and never will."""


class Runner(Protocol):
    """What the agent needs of those who run the tasks, in this process or in others."""

    def wake(self) -> None:
        """There may be tasks to start."""

    def stop(self, tasks: Iterable[Task]) -> None:
        """End running tasks by command, and give back those ahead; others have ended."""

    def recall(self, tasks: Iterable[Task]) -> None:
        """Give back tasks ahead; those that were started meanwhile go on."""

    def show(self, task: Task, request: OutputRequest, tell: Callable[[Part, Part], None]) -> None:
        """Tell what a running task wrote to stdout and stderr, now or later, from any thread.

        Two empty parts where it is about to start or has just ended.
        """


class Agent:
    """Core, runner and spool as one."""

    def __init__(
        self,
        core: Worker,
        lock: threading.Lock,
        runner: Runner,
        spool: Spool,
        ready_file: Path | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._core = core
        self._lock = lock
        self._runner = runner
        self._spool = spool
        self._ready_file = ready_file
        self._clock = clock
        self._connected = False
        self._shown_ready: bool | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._unwritten: list[Store] = []
        self.refused = Refused()
        self.tally = Tally()
        self._settled = asyncio.Event()
        self.transport: Transport | None = None
        # An earlier agent may have left its file.
        self._show_readiness()

    @property
    def ready(self) -> bool:
        """Whether it has a session with a leader, and a way to it."""
        return self._connected and self._core.session.number is not None

    # -- events --------------------------------------------------------------------

    def connected(self) -> None:
        """The transport came up."""
        self._connected = True
        with self._lock:
            effects = self._core.connected(self._clock())
        self._apply(effects)

    def disconnected(self) -> None:
        """The transport went down; what runs goes on."""
        self._connected = False
        self._show_readiness()

    def received(self, data: bytes) -> None:
        """A message of a leader arrived."""
        try:
            message: LeaderMessage = decode_leader(data)
        except MessageError as error:
            self.refused.note(error, self._clock())
            return
        with self._lock:
            effects = self._core.handle(message, self._clock())
        self._apply(effects)

    def changed(self) -> None:
        """A report is due earlier than thought; called from the slots' threads."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the agent has left
            self._loop.call_soon_threadsafe(self._arm)

    def record(self) -> None:
        """Write down and send what has ended: the agent is about to end itself."""
        self._report()

    async def leave(self) -> None:
        """Give back what waits, end what runs, stay until all is acknowledged."""
        with self._lock:
            effects = self._core.leave()
        self._apply(effects)
        while not self._core.idle:
            self._settled.clear()
            await self._settled.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                while not self._core.settled:
                    self._settled.clear()
                    await self._settled.wait()
        self._report()

    # -- the timer -----------------------------------------------------------------

    def _arm(self) -> None:
        due = self._core.due()
        now = self._clock()
        if due <= now:
            self._tick()
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(due - now, self._tick)

    def _tick(self) -> None:
        self._perform(self._core.tick)

    def _report(self) -> None:
        self._perform(self._core.report)

    def _perform(self, say: Callable[[float], list[Effect]]) -> None:
        with self._lock:
            effects = say(self._clock())
        self._apply(effects)
        self._settled.set()

    # -- effects -------------------------------------------------------------------

    def _apply(self, effects: list[Effect]) -> None:
        stores = [effect for effect in effects if isinstance(effect, Store)]
        if stores:
            self._store(stores)
            self.tally.stored(stores)
        transport = self._transport
        for effect in effects:
            match effect:
                case Store():
                    pass
                case Release():
                    self._release()
                case Publish():
                    transport.publish(encode_message(effect.message))
                case Journal():
                    transport.record(effect.batch)
                case Stop():
                    self._runner.stop(effect.tasks)
                case Recall():
                    self._runner.recall(effect.tasks)
                case Show():
                    self._show(effect)
                case Wake():
                    self._runner.wake()
                case _:
                    assert_never(effect)
        self._core.dropped_records = transport.dropped_records
        self._show_readiness()
        self._arm()

    def _show(self, effect: Show) -> None:
        task, request = effect.task, effect.request
        who = self._core.identity.incarnation, request.request, task.define.run, task.attempt

        def answer(out: Part, err: Part) -> None:
            self._transport.publish(encode_message(OutputReply(*who, *out, *err)))

        def tell(out: Part, err: Part) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the agent has left
                self._loop.call_soon_threadsafe(answer, out, err)

        self._runner.show(task, request, tell)

    @property
    def _transport(self) -> Transport:
        if self.transport is None:
            raise RuntimeError("the agent was used before it had a transport")
        return self.transport

    def _store(self, stores: list[Store]) -> None:
        """Write results down; where that fails they are sent all the same.

        They are true, and the leader's acknowledgement makes the spool needless;
        but no more tasks start until there is room.
        """
        self._unwritten += stores
        try:
            self._spool.append(self._unwritten)
            self._unwritten = []
        except OSError as error:
            if not self._core.held:
                _log.error("the spool cannot be written (%s): no more tasks start", error)
                self._hold(held=True)
            if self._retry is None:
                self._retry = self._loop.call_later(_RETRY_SECONDS, self._retry_store)
            return
        if self._spool.full and not self._core.held:
            _log.error("the spool is full: no more tasks start until results are acknowledged")
            self._hold(held=True)

    def _retry_store(self) -> None:
        self._retry = None
        try:
            self._spool.replace(self._core.ledgers.kept)
        except OSError:
            self._retry = self._loop.call_later(_RETRY_SECONDS, self._retry_store)
            return
        self._unwritten = []
        self._resume()

    def _release(self) -> None:
        self._settled.set()
        try:
            self._spool.keep(self._core.ledgers.kept)
        except OSError as error:
            _log.warning("the spool cannot be compacted: %s", error)
            return
        if not self._unwritten:
            self._resume()

    def _resume(self) -> None:
        if self._core.held and not self._spool.full:
            _log.info("the spool has room again")
            self._hold(held=False)

    def _hold(self, *, held: bool) -> None:
        with self._lock:
            effects = self._core.hold(held)
        for effect in effects:
            match effect:
                case Wake():
                    self._runner.wake()
                case Recall():
                    self._runner.recall(effect.tasks)

    def _show_readiness(self) -> None:
        """Let the pod's probe know."""
        ready = self.ready
        if self._ready_file is None or ready == self._shown_ready:
            return
        self._shown_ready = ready
        try:
            if ready:
                self._ready_file.touch()
            else:
                self._ready_file.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s: %s", self._ready_file, error)
