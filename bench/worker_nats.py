"""The whole agent over NATS with a leader that only counts, against ``xargs``.

Run ``python -m bench.worker_nats [--tasks 20000] [--slots 2]`` on a quiet machine.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.worker import run_xargs
from tests.support.worker_driver import (
    FakeLeader,
    agent_process,
    assign,
    define,
    fake_leader,
    nats_process,
)


def _has_heard(leader: FakeLeader, more_than: int) -> bool:
    return len(leader.entries) > more_than


async def feed(
    leader: FakeLeader, tasks: int, credit: int, argv: Sequence[str] = ("/bin/true",)
) -> float:
    """Keep the worker's queue at ``credit`` until all is counted; tasks a second."""
    await leader.granted()
    started = time.perf_counter()
    await leader.command(define(*argv, completions=tasks))
    sent = done = 0
    seen = 0
    while done < tasks:
        room = min(tasks, done + credit) - sent
        if room >= min(credit // 4, tasks - sent) > 0:
            await leader.command(assign((sent, sent + room - 1)))
            sent += room
        await leader.until(partial(_has_heard, leader, seen), timeout=60)
        fresh = list(leader.entries.values())[seen:]
        seen += len(fresh)
        done += sum(last - first + 1 for entry in fresh for first, last in entry.succeeded)
    return tasks / (time.perf_counter() - started)


async def measure(tasks: int, slots: int, credit: int) -> float:
    """One run with fresh servers; tasks a second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with nats_process(folder / "nats") as url, agent_process(url, folder, cpu=str(slots)):
            async with fake_leader(url) as leader:
                return await feed(leader, tasks, credit)


def main() -> None:
    """Measure both, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--credit", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    print(f"load average before: {os.getloadavg()[0]:.2f}")
    for _ in range(options.rounds):
        xargs = run_xargs(["/bin/true"], options.tasks, options.slots)
        ours = asyncio.run(measure(options.tasks, options.slots, options.credit))
        print(f"xargs {xargs:7.0f}/s   agent over NATS {ours:7.0f}/s   ratio {ours / xargs:.2f}")


if __name__ == "__main__":
    main()
