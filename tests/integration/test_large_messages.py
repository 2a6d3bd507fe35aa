"""What no one message holds, through NATS with the bounds it comes with."""

from pathlib import Path

from distributedjob_api.indexes import from_ranges
from distributedjob_api.messages import Assign, Commands
from distributedjob_operator.core.fleet import Worker
from tests.support.worker_driver import (
    NODE,
    agent_process,
    assign,
    define,
    fake_leader,
    nats_process,
)

JOBS = 40
ITEMS = 240


async def test_a_round_of_large_commands_reaches_the_worker(tmp_path: Path) -> None:
    with nats_process(tmp_path / "nats") as url, agent_process(url, tmp_path):
        async with fake_leader(url) as leader:
            await leader.granted()
            worker = Worker(("default", NODE), "i1", leader.session, NODE, "", 2000, 2**30, 0.0)
            for job in range(JOBS):
                uid, large = f"job-{job}", "x" * 65_000
                worker.order(define("/bin/true", large, number=worker.next_number(), uid=uid))
                worker.order(assign((0, 0), number=worker.next_number(), uid=uid))
            worker.order(define("/bin/true", "$(DJOB_ITEM)", number=worker.next_number()))
            items = [f"{index:04000d}" for index in range(ITEMS)]
            number = worker.next_number()
            uid = define().uid
            worker.order(Assign(number, uid, 0, [(0, ITEMS - 1)], [], items, 0))
            for commands in worker.flush(0.0):
                await leader.send(Commands(leader.epoch, leader.session, commands))
            await leader.until(lambda: len(leader.records) == JOBS + ITEMS, timeout=30.0)
            assert {record.reason for record in leader.records.values()} == {""}


async def test_output_that_no_message_holds_keeps_no_other_from_the_journal(tmp_path: Path) -> None:
    mebibyte = "head -c 1048576 /dev/zero"
    with nats_process(tmp_path / "nats") as url, agent_process(url, tmp_path):
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(
                define("sh", "-c", f"{mebibyte}; {mebibyte} >&2", output_limit_bytes=2**20),
                assign((0, 3)),
            )
            await leader.until(
                lambda: (
                    sum(len(from_ranges(entry.succeeded)) for entry in leader.entries.values()) == 4
                )
            )
            await leader.command(define("echo", "small", uid="small"), assign((0, 0), uid="small"))
            await leader.until(lambda: bool(leader.records))
            assert {uid for uid, _, _ in leader.records} == {"small"}
    assert "larger than NATS carries" in (tmp_path / "log").read_text()
