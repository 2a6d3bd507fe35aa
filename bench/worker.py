"""The agent's executor against ``xargs``, without NATS: how many short tasks a second.

Run ``python -m bench.worker [--tasks 20000] [--slots 2]`` on a quiet machine;
``--profile`` shows instead where the time goes between two tasks.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.one_task import Clocks
from distributedjob_api.messages import Assign, Commands, Define, Welcome
from distributedjob_worker.core.worker import Identity, Worker
from distributedjob_worker.execution.executor import Executor, Room
from distributedjob_worker.execution.scratch import ScratchPool


def definition(argv: list[str], *, scratch: bool = True, cpu_millis: int = 1000) -> Define:
    """A job for measuring."""
    return Define(
        number=1,
        uid="bench",
        namespace="default",
        name="bench",
        run=0,
        completions=1_000_000,
        argv=argv,
        env=[],
        working_dir="",
        scratch_dir=scratch,
        cpu_millis=cpu_millis,
        timeout_seconds=0.0,
        grace_seconds=1.0,
        output_policy="All",
        output_limit_bytes=65536,
    )


def run_executor(argv: list[str], tasks: int, slots: int, *, scratch: bool = True) -> float:
    """Tasks a second through core and executor, with reports as they fall due."""
    identity = Identity("bench", "node", "127.0.0.1", "0", slots * 1000, 1 << 30)
    core = Worker(identity)
    lock = threading.Lock()
    wake = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        pool = ScratchPool(Path(folder) / "scratch")
        room = Room(Path(folder), "node", "bench/bench/node/bench", slots, {})
        executor = Executor(core, lock, pool, room)
        executor.start(wake.set)
        core.handle(Welcome(1, 1, "bench", 0.05), 0.0)
        started = time.perf_counter()
        with lock:
            core.handle(
                Commands(
                    1,
                    1,
                    [
                        definition(argv, scratch=scratch),
                        Assign(2, "bench", 0, [(0, tasks - 1)], [], [], 0),
                    ],
                ),
                time.monotonic(),
            )
        executor.wake()
        done = 0
        while done < tasks:
            wake.wait()
            wake.clear()
            delay = core.due() - time.monotonic()
            if delay > 0:
                time.sleep(delay)
            with lock:
                done += len(core.ledgers.finished)
                core.report(time.monotonic())
        return tasks / (time.perf_counter() - started)


def run_xargs(argv: list[str], tasks: int, slots: int) -> float:
    """Tasks a second of ``xargs -P -n1``."""
    numbers = "\n".join(map(str, range(tasks))).encode()
    started = time.perf_counter()
    subprocess.run(
        ["xargs", f"-P{slots}", "-n1", *argv], input=numbers, check=True, stdout=subprocess.DEVNULL
    )
    return tasks / (time.perf_counter() - started)


def measure_executor(arguments: list[str]) -> tuple[float, float]:
    """Tasks a second and the agent's CPU seconds, in a process of its own.

    The executor ends whatever child of its process it does not know: here that
    would be ``xargs``.
    """
    command = [sys.executable, "-m", "bench.worker", "--executor-only", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rate, cpu = done.stdout.split()
    return float(rate), float(cpu)


def main() -> None:
    """Measure both, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--no-scratch", action="store_true")
    parser.add_argument("--profile", action="store_true", help="the parts of one task")
    parser.add_argument("--executor-only", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("argv", nargs="*", default=["/bin/true"])
    options = parser.parse_args()
    if options.profile:
        clocks = Clocks()
        clocks.install()
        run_executor(options.argv, options.tasks, options.slots, scratch=not options.no_scratch)
        print(clocks.table(options.tasks))
        return
    if options.executor_only:
        rate = run_executor(
            options.argv, options.tasks, options.slots, scratch=not options.no_scratch
        )
        times = os.times()
        print(rate, times.user + times.system)
        return
    print(f"load average before: {os.getloadavg()[0]:.2f}")
    for _ in range(options.rounds):
        xargs = run_xargs(options.argv, options.tasks, options.slots)
        ours, cpu = measure_executor(sys.argv[1:])
        print(
            f"xargs {xargs:7.0f}/s   executor {ours:7.0f}/s   ratio {ours / xargs:.2f}"
            f"   agent CPU {cpu / options.tasks * 1e6:.0f} us/task"
        )


if __name__ == "__main__":
    main()
