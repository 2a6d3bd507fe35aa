"""An event loop whose time is a number: it never waits, it goes on to the next timer."""

import asyncio
import heapq
from typing import Any, Final

from tests.support.simulation.process import PROCESS, Process

MOST_STEPS: Final = 100_000
"""Steps of one history: more than that is something that spins."""


STEP_SECONDS: Final = 1e-6
"""What a step costs: whoever asks again and again finds that time has gone on."""


class Stuck(Exception):
    """Nothing is left to run, or something runs for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's own machinery without selector, sockets, threads and clock.

    What belongs to a process that stands still is postponed until it goes on, and
    what belongs to a dead one for ever: that is all that a pause and a kill do.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._clock_resolution = 1e-9
        self.steps = 0
        self.closing = False

    def time(self) -> float:
        """Seconds since the history began."""
        return self._now

    def go_on(self, process: Process) -> None:
        """Run what was postponed while a process stood still, in its order."""
        self._ready.extend(process.postponed)
        process.postponed.clear()

    def unwind(self, processes: list[Process]) -> None:
        """End every task, of the living and of the dead, whose ports are closed by now."""
        self.closing, self.steps = True, 0
        for process in processes:
            process.alive = False
            self.go_on(process)
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        if tasks:
            self.run_until_complete(asyncio.wait(tasks))

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready:
            if not scheduled:
                raise Stuck("nothing is left to happen")
            self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS)
            if process is not None and process.still and not self.closing:
                process.postponed.append(handle)
                continue
            self.steps += 1
            self._now += STEP_SECONDS
            handle._run()
        if self.steps > MOST_STEPS:
            raise Stuck("something runs without end")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is dropped when its time comes."""

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """There are no other threads to be woken by."""
