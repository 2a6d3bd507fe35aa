"""The leader alone: reports of simulated workers, from bytes to checkpoints, on one core.

Run ``python -m bench.leader``. Time is the process's CPU time; the memory of a job is the
growth of the resident set of a process that does nothing else. Writes ``build/leader.json``.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.cluster import MEMORY_BYTES, START, Cluster, Pace
from bench.load import body, mixed
from distributedjob_api.messages import Hello, Report, decode_worker, encode_message
from distributedjob_api.task_reasons import ERROR
from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import checkpoints, reporting
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import Send, WriteStatus
from distributedjob_operator.core.fleet import Node
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import settle
from distributedjob_worker.core.effects import Publish
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import Identity, Worker

STEP_SECONDS: Final = 0.05
STEADY_ROUNDS: Final = 30
TASK_SECONDS: Final = 1 / 3000
Ends = Callable[[int, int], int]

PATTERNS: Final[dict[str, tuple[Ends, dict[str, Any]]]] = {
    # All succeed: what most jobs are.
    "successes": (lambda _, __: 0, {}),
    # One in a hundred fails once and is tried again.
    "retries": (
        lambda index, ended: int(not ended and _noise(index) % 100 == 0),
        {"backoffLimitPerIndex": 3},
    ),
    # Any index may fail for good: sets that compress least.
    "worst": (lambda index, _: _noise(index) & 1, {"backoffLimitPerIndex": 0}),
    # Every attempt fails, with any code; a quarter of them are the last of their index.
    "failures": (
        lambda index, ended: 1 + _noise(index * 4 + ended) % 255,
        {
            "backoffLimitPerIndex": 2,
            "failurePolicy": {
                "rules": [
                    {
                        "action": "FailIndex",
                        "onExitCodes": {"operator": "In", "values": list(range(1, 65))},
                    }
                ]
            },
        },
    ),
}
"""The exit code of an index's attempt after so many others, and what the job says of it."""


def _noise(index: int) -> int:
    return zlib.crc32(index.to_bytes(4, "little"))


class Bench:
    """A leader and the real cores of a few workers; only the leader's part is timed."""

    def __init__(self, workers: int, slots: int, ends: Ends) -> None:
        self.ends = ends
        self.now = 0.0
        self.cpu = 0.0
        self.results = 0
        self.writes: list[int] = []
        self.leader = Leader(1, "bench", "bench/bench")
        self._version = 1
        names = [f"n{number}" for number in range(workers)]
        nodes = [
            Node(name, "", slots * 1000, ready=True, cordoned=False, memory_bytes=MEMORY_BYTES)
            for name in names
        ]
        self.workers = {
            ("default", name): Worker(
                Identity(name, name, "127.0.0.1", "0", slots * 1000, MEMORY_BYTES)
            )
            for name in names
        }
        self.leader.take_over([], nodes, self.instant(), listened=float("inf"))
        self.leader.take_effects()
        for key, worker in self.workers.items():
            worker.connected(0.0)
            self.hear(key, list(self.published(worker.report(2.0))))

    def submit(self, tasks: int, **spec: Any) -> None:
        """A job of so many tasks."""
        resource = body(0, "default", tasks)
        resource["spec"] |= spec
        self.leader.job_seen(parse(resource), self.instant())

    def run(self) -> None:
        """Until every job is finished: workers end what they hold, the leader hears of it."""
        while not all(job.finished for job in self.leader.jobs.values()):
            self.now += STEP_SECONDS
            for key, worker in self.workers.items():
                self._work(worker)
                self.hear(key, list(self.published(worker.report(self.now))))
            self.conclude()

    def _work(self, worker: Worker) -> None:
        """One report's worth of tasks: what the slots end in 50 ms, and retries among them."""
        for _ in range(int(STEP_SECONDS / TASK_SECONDS) * worker.identity.cpu_millis // 1000):
            task = worker.take(self.now)
            if task is None:
                return
            worker.finish(task, self._outcome(task))
            self.results += 1

    def _outcome(self, task: Task) -> Outcome:
        code = self.ends(task.index, task.ended)
        reason = ERROR if code else ""
        return Outcome(0.0, TASK_SECONDS, reason, code, 0, "boom\n" * bool(code))

    def published(self, effects: list[Any]) -> Iterator[bytes]:
        """The messages among what a worker wants done."""
        for effect in effects:
            if isinstance(effect, Publish):
                yield encode_message(effect.message)

    def hear(self, key: tuple[str, str], messages: list[bytes]) -> None:
        """Let the leader take in what a worker sent, and conclude."""
        began = time.process_time()
        for data in messages:
            message = decode_worker(data)
            if isinstance(message, Hello):
                reporting.hello(self.leader, key, message, self.instant())
            elif isinstance(message, Report):
                reporting.report(self.leader, key, message, self.instant())
        self.cpu += time.process_time() - began
        self.conclude()

    def conclude(self) -> None:
        """A round of the leader, with all that it wants done."""
        began = time.process_time()
        self.leader.proved(self.instant())
        settle(self.leader, self.instant())
        effects = self.leader.take_effects()
        sent = [effect for effect in effects if isinstance(effect, Send)]
        for order in sent:
            encode_message(order.message)
        for write in effects:
            if isinstance(write, WriteStatus):
                self.writes.append(len(msgspec.json.encode(write.status)))
                self._version += 1
                checkpoints.written(
                    self.leader, write.uid, str(self._version), write.marks, self.instant()
                )
        self.cpu += time.process_time() - began
        for effect in (*sent, *self.leader.take_effects()):
            if isinstance(effect, Send):
                self.workers[effect.worker].handle(effect.message, self.now)

    def instant(self) -> Instant:
        """This moment."""
        return Instant(self.now, START + timedelta(seconds=self.now))


def resident_mib() -> float:
    """The resident set of this process."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(pattern: str, tasks: int, workers: int, slots: int) -> dict[str, float]:
    """One job of a pattern in this process, from its submission to its end."""
    ends, spec = PATTERNS[pattern]
    warm = Bench(workers, slots, ends)
    warm.submit(1000, **spec)
    warm.run()
    del warm
    bench = Bench(workers, slots, ends)
    before = resident_mib()
    bench.submit(tasks, retryPolicy={"initialSeconds": 0}, **spec)
    bench.cpu = 0.0
    bench.run()
    return {
        "results_per_second": bench.results / bench.cpu,
        "cpu_seconds": bench.cpu,
        "rss_mib": resident_mib() - before,
        "object_bytes": max(bench.writes),
        "writes": len(bench.writes),
        "writes_per_second": len(bench.writes) / bench.now,
    }


def planning_ms(nodes: int, cpus: int) -> float:
    """The median round while every slot of a large cluster is taken and tasks end all the time."""
    load = mixed(nodes * cpus * 2, jobs=10, namespaces=5, shortest=1.0, longest=60.0, seed=1)
    cluster = Cluster(nodes, cpus, load, Pace())
    cluster.run(lambda: len(cluster.leader.fleet.workers) == nodes)
    for resource in load.objects():
        cluster.submit(resource)
    rounds = cluster.measured.rounds_ms
    cluster.run(lambda: cluster.measured.started >= nodes * cpus)
    before = len(rounds)
    cluster.run(lambda: len(rounds) >= before + STEADY_ROUNDS)
    return statistics.median(rounds[before:])


def apart(pattern: str, options: argparse.Namespace) -> dict[str, float]:
    """The same in a process of its own, so that none inherits another's memory."""
    command = [sys.executable, "-m", "bench.leader", "--pattern", pattern]
    for name in ("tasks", "workers", "slots"):
        command += [f"--{name}", str(getattr(options, name))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Measure every pattern and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--pattern", choices=PATTERNS, help="this one alone, in this process")
    parser.add_argument("--output", type=Path, default=Path("build/leader.json"))
    parser.add_argument("--nodes", type=int, default=5000, help="of 64 CPUs, for planning")
    options = parser.parse_args()
    if options.pattern:
        result = measure(options.pattern, options.tasks, options.workers, options.slots)
        print(json.dumps(result, indent=2))
        return
    runs = {pattern: apart(pattern, options) for pattern in PATTERNS}
    report = {
        "leader": {
            "results_per_second": runs["successes"]["results_per_second"],
            "rss_mib_at_1m": runs["successes"]["rss_mib"],
        },
        "object_bytes_at_1m": max(run["object_bytes"] for run in runs.values()),
        f"planning_ms_{options.nodes}_nodes": planning_ms(options.nodes, 64),
        "patterns": runs,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
