"""What the journal costs, and how fast one task's output is found in that of a million.

Run ``python -m bench.journal [--tasks 20000] [--rounds 5]`` on a quiet machine. The cost:
an agent over NATS runs ``sh -c 'echo $DJOB_INDEX'`` with the journal and without, in
turns. Finding: a stream is filled with the records of a million tasks, as two workers
write them, and the output of single tasks is asked of the endpoint.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from nats.aio.client import Client

from bench.spread import spread
from bench.worker_nats import feed
from distributedjob_api.indexes import BitMap
from distributedjob_api.journal import headers_of
from distributedjob_api.messages import JournalBatch, TaskRecord, encode_message
from distributedjob_api.subjects import Subjects
from distributedjob_operator.answers import Query, chosen, tasks
from distributedjob_operator.bus.journal import Journal
from distributedjob_operator.core.standing import Standing
from distributedjob_operator.results import survey
from tests.support.worker_driver import INSTALLATION, agent_process, fake_leader, nats_process

COMMAND: Final = ("/bin/sh", "-c", "echo $DJOB_INDEX")
A_BATCH: Final = 2000
"""Records in one message: what a fast worker ends in a second."""

LOOKUPS: Final = 20
FLYING: Final = 256


def main() -> None:
    """Measure both; prints the figures, or writes them for ``make bench``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000, help="of each round, on and off")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--records", type=int, default=1_000_000, help="in which one is sought")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    print(f"load average before: {os.getloadavg()[0]:.2f}")
    found = {**cost(options.tasks, options.rounds), **asyncio.run(finding(options.records))}
    for name, value in found.items():
        print(f"{name}: {value}")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps({"journal": found}, indent=2) + "\n")


def cost(count: int, rounds: int) -> dict[str, Any]:
    """Tasks a second with the journal by those without; the median of pairs in turns."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        for on in (True, False) if number % 2 else (False, True):
            rates[on].append(asyncio.run(_rate(count, on=on)))
    ratios = [on / off for on, off in zip(rates[True], rates[False], strict=True)]
    return {
        "tasks_per_second_on": spread(rates[True]),
        "tasks_per_second_off": spread(rates[False]),
        "ratio_on_off": round(statistics.median(ratios), 3),
    }


async def _rate(count: int, *, on: bool) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder, extra = Path(name), {"DJOB_JOURNAL": str(on)}
        with nats_process(folder / "nats") as url:
            if on:
                await _stream(url)
            with agent_process(url, folder, **extra):
                async with fake_leader(url, reads_journal=False) as leader:
                    return await feed(leader, count, 2000, COMMAND)


async def _stream(url: str) -> None:
    client = Client()
    await client.connect(url)
    await Journal(client.jetstream(), Subjects(INSTALLATION)).ensure()
    await client.close()


async def finding(records: int) -> dict[str, Any]:
    """Seconds until the output of one task is there, in the journal of one large job."""
    with tempfile.TemporaryDirectory() as name, nats_process(Path(name)) as url:
        client = Client()
        await client.connect(url)
        journal = Journal(client.jetstream(), Subjects(INSTALLATION))
        await journal.ensure()
        messages = await _fill(client, records)
        seconds = []
        indexes = random.Random(1).sample(range(records), LOOKUPS)
        for index in indexes:
            began = time.perf_counter()
            wrote = await _output_of(journal, records, index)
            seconds.append(time.perf_counter() - began)
            if wrote != f"{index}\n".encode():
                raise SystemExit(f"bench.journal: task {index} wrote {wrote!r}")
        await client.close()
    return {
        "records": records,
        "messages": messages,
        "read_one_seconds": round(statistics.median(seconds), 4),
        "read_one_seconds_most": round(max(seconds), 4),
    }


async def _output_of(journal: Journal, records: int, index: int) -> bytes:
    """What ``djob logs JOB INDEX`` asks for."""
    query = Query(indexes=BitMap([index]), streams=frozenset({"stdout"}))
    everything = BitMap(range(records))
    where = Standing(everything, everything, BitMap(), finished=True)
    contents = await survey(
        journal, "job", query.streams, where.succeeded, chosen(where, query), silent=True
    )
    pieces = [piece async for piece in tasks(journal, contents, where, query)]
    (row,) = b"".join(pieces).splitlines()
    return base64.b64decode(json.loads(row)["stdout"])


async def _fill(client: Client, records: int) -> int:
    """Store a job's records as two workers end its tasks: in turns, each a share of the next."""
    subject, stream = Subjects(INSTALLATION).journal("default", "job"), client.jetstream()
    flying: set[asyncio.Task[Any]] = set()
    messages = 0
    for first in range(0, records, 2 * A_BATCH):
        for worker in range(2):
            indexes = range(first + worker, min(first + 2 * A_BATCH, records), 2)
            batch = JournalBatch("job", 0, f"n{worker}", [_record(index) for index in indexes])
            publish = stream.publish(subject, encode_message(batch), headers=headers_of(batch))
            flying.add(asyncio.create_task(publish))
            messages += 1
            if len(flying) >= FLYING:
                done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    one.result()
    await asyncio.gather(*flying)
    return messages


def _record(index: int) -> TaskRecord:
    wrote = f"{index}\n".encode()
    return TaskRecord(index, 1, 1.7e9 + index / 4000, 0.001, "", 0, 0, wrote, b"", len(wrote), 0)


if __name__ == "__main__":
    main()
