"""What a task costs the agent, and what the executors, over the number of executors.

Run ``python -m bench.executors [--tasks 20000] [--slots 8] [--executors 1 2 4]`` on a quiet
machine. The agent is pinned to one core and its executors, with the tasks, to all others:
where there is one other core, its executors share it, so that their rate cannot grow.
What grows with the cores of a larger node then shows in the columns of CPU: the rate
that the agent's own core could serve is a second by its CPU for a task.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from bench.worker import definition
from distributedjob_api.messages import Assign, Commands, Welcome
from distributedjob_worker.core.worker import Identity, Worker
from distributedjob_worker.execution.crew import Crew
from distributedjob_worker.execution.executor import Executor, Room
from distributedjob_worker.execution.scratch import ScratchPool

REPORT_SECONDS: Final = 0.05
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def runner(core: Worker, lock: threading.Lock, home: Path, count: int) -> Executor | Crew:
    """As the agent chooses it: threads of this process, or processes on the other cores."""
    slots = core.identity.cpu_millis // 1000
    room = Room(home, "node", f"bench/bench/node/{os.getpid()}", -(-slots // count), {})
    if count == 1:
        return Executor(core, lock, ScratchPool(home / "scratch"), room)
    crew = Crew(core, lock)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[1:])
    crew.fork(count, room, [])
    os.sched_setaffinity(0, cores[:1])
    return crew


def run(count: int, slots: int, tasks: int, argv: list[str]) -> tuple[float, float, float]:
    """Tasks a second, and the CPU seconds of the agent and of its executors."""
    core = Worker(Identity("bench", "node", "127.0.0.1", "0", slots * 1000, 1 << 30))
    lock, wake = threading.Lock(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        chosen = runner(core, lock, Path(folder), count)
        lost: list[str] = []
        chosen.start(wake.set, lost.append)
        core.handle(Welcome(1, 1, "bench", REPORT_SECONDS), 0.0)
        assign = Assign(2, "bench", 0, [(0, tasks - 1)], [], [], 0)
        began, cpu = time.perf_counter(), time.process_time()
        with lock:
            core.handle(Commands(1, 1, [definition(argv), assign]), time.monotonic())
        chosen.wake()
        done = 0
        while done < tasks:
            if not wake.wait(10.0) or lost:
                raise SystemExit(f"bench: {lost or 'nothing ends'}")
            wake.clear()
            time.sleep(max(0.0, core.due() - time.monotonic()))
            with lock:
                done += len(core.ledgers.finished)
                core.report(time.monotonic())
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        others = sum(map(_cpu, chosen.pids)) if isinstance(chosen, Crew) else 0.0
        chosen.kill_all()
    return tasks / seconds, cpu, others


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def main() -> None:
    """Measure each number of executors in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--executors", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    parser.add_argument("argv", nargs="*", default=["/bin/true"])
    options = parser.parse_args()
    if options.only:
        print(*run(options.only, options.slots, options.tasks, options.argv))
        return
    print(f"load average before: {os.getloadavg()[0]:.2f}; {len(os.sched_getaffinity(0))} cores")
    print(
        f"{'executors':>9}{'tasks/s':>9}{'agent us':>10}{'executors us':>14}{'agent alone/s':>15}"
    )
    for count in options.executors:
        command = [sys.executable, "-m", "bench.executors", "--only", str(count)]
        command += ["--tasks", str(options.tasks), "--slots", str(options.slots), *options.argv]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rate, agent, others = map(float, done.stdout.split())
        each, other = agent / options.tasks * 1e6, others / options.tasks * 1e6
        print(f"{count:>9}{rate:>9.0f}{each:>10.1f}{other:>14.1f}{1e6 / each:>15.0f}")


if __name__ == "__main__":
    main()
