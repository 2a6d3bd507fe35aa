"""What jobs that wait cost the leader: 10,000 of one task each, two slots.

Run ``python -m bench.waiting``. The real cores of the leader and of two workers, in virtual
time; each status write is answered at once. Time is the process's CPU time, of the leader
alone. Writes ``build/waiting.json``.
"""

import argparse
import gc
import itertools
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.leader import TASK_SECONDS, Bench
from bench.load import body
from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_worker.core.results import Outcome

if TYPE_CHECKING:
    from distributedjob_worker.core.queues import Task

NAMESPACES: Final = 10
STEP_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 1.0
"""Between two rounds of a leader that hears nothing."""


class Queue(Bench):
    """A leader, two workers of a slot each, and many jobs of one task."""

    def __init__(self) -> None:
        super().__init__(workers=2, slots=1, ends=lambda _, __: 0)
        self._jobs = 0
        self._running: dict[WorkerKey, Task] = {}
        self._turns = itertools.cycle(self.workers)

    def admit(self, jobs: int) -> None:
        """So many jobs more, seen in one round."""
        numbers = range(self._jobs, self._jobs + jobs)
        self._jobs += jobs
        objects = [parse(body(number, f"team-{number % NAMESPACES}", 1)) for number in numbers]
        began = time.process_time()
        for resource in objects:
            self.leader.job_seen(resource, self.instant())
        self.cpu += time.process_time() - began
        self.conclude()

    def settled(self) -> None:
        """Whatever the jobs' arrival brought about is over: the slots are taken, and run."""
        for _ in range(20):
            self.heard()

    def heard(self) -> None:
        """One of the workers, in turn, says that what ran still runs."""
        key = next(self._turns)
        self._start(key)
        self._report(key)

    def ended(self) -> None:
        """A task of a worker ends, and with it its job; another one starts."""
        key = next(iter(self.workers))
        self.workers[key].finish(self._running.pop(key), Outcome(0.0, TASK_SECONDS, "", 0, 0, ""))
        self._report(key)
        self._start(key)

    def idle(self) -> None:
        """A round in which nothing was heard; the heartbeats before it are not counted."""
        spent = self.cpu
        for _ in self.workers:
            self.heard()
        self.cpu = spent
        self.now += IDLE_SECONDS
        self.conclude()

    def _start(self, key: WorkerKey) -> None:
        task = self.workers[key].take(self.now)
        if task is not None:
            self._running[key] = task

    def _report(self, key: WorkerKey) -> None:
        self.now += STEP_SECONDS
        self.hear(key, list(self.published(self.workers[key].report(self.now))))


def cost_ms(queue: Queue, step: Callable[[], None], times: int) -> dict[str, float]:
    """What a step costs the leader, in milliseconds: the median, and the most."""
    gc.collect()
    gc.disable()
    costs = []
    for _ in range(times):
        before = queue.cpu
        step()
        costs.append((queue.cpu - before) * 1e3)
    gc.enable()
    return {"median": round(statistics.median(costs), 3), "max": round(max(costs), 3)}


def measure(jobs: int, rounds: int) -> dict[str, Any]:
    """Let so many jobs wait, and look at what rounds cost meanwhile."""
    queue = Queue()
    admitted = cost_ms(queue, lambda: queue.admit(jobs), 1)["median"]
    queue.settled()
    return {
        "jobs": jobs,
        "admit_us_a_job": round(admitted / jobs * 1e3, 1),
        "one_more_ms": cost_ms(queue, lambda: queue.admit(1), rounds),
        "report_ms": cost_ms(queue, queue.heard, rounds),
        "end_and_start_ms": cost_ms(queue, queue.ended, rounds),
        "idle_ms": cost_ms(queue, queue.idle, rounds),
    }


def main() -> None:
    """Measure and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=50, help="of each kind")
    parser.add_argument("--output", type=Path, default=Path("build/waiting.json"))
    options = parser.parse_args()
    result = measure(options.jobs, options.rounds)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
