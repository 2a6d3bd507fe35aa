"""An agent with several executor processes: what dies, what is taken ahead, what is left."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from distributedjob_api.messages import Cancel, Return
from distributedjob_worker.execution import presence
from tests.support.jobs import lines
from tests.support.waiting import wait_until
from tests.support.worker_driver import (
    UID,
    AgentProcess,
    FakeLeader,
    agent_process,
    assign,
    define,
    fake_leader,
    processes_with,
)

PATIENCE = 60.0


def _several(url: str, folder: Path) -> AbstractContextManager[AgentProcess]:
    """Six slots and three executors."""
    return agent_process(url, folder, cpu="6", DJOB_EXECUTORS="3")


@pytest.fixture
async def leader(url: str, tmp_path: Path) -> AsyncIterator[FakeLeader]:
    """A leader with one such worker."""
    with _several(url, tmp_path):
        async with fake_leader(url) as started:
            await started.granted()
            yield started


def _executors(folder: Path) -> list[int]:
    return presence.holders(folder / "state")


def _noting(ledger: Path) -> tuple[str, ...]:
    return "/bin/sh", "-c", f"echo $(DJOB_INDEX) >> {ledger}"


async def test_short_tasks_run_once_each_whoever_starts_them(url: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    with _several(url, tmp_path):
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define(*_noting(ledger)), assign((0, 999)))
            await leader.until(lambda: len(leader.succeeded) == 1000, PATIENCE)
            assert leader.succeeded == list(range(1000))
            await leader.until(lambda: not leader.jobs)
    assert sorted(map(int, lines(ledger))) == list(range(1000))


async def test_running_tasks_are_read_whoever_runs_them(leader: FakeLeader) -> None:
    script = "echo $(DJOB_INDEX); echo err $(DJOB_INDEX) >&2; exec sleep 60"
    await leader.command(define("/bin/sh", "-c", script), assign((0, 5)))
    async with asyncio.timeout(PATIENCE):
        for index in range(6):
            while (shown := await leader.written(index, 0, 4)).stderr_bytes != 6:
                assert shown.attempt in (0, 1)
            assert (shown.stdout, shown.stderr) == (b"%d\n" % index, b"%d\n" % index)
    await leader.command(Cancel(0, UID, []))
    await leader.until(lambda: leader.stopped == list(range(6)), PATIENCE)
    assert (await leader.written(0, 0, 0)).attempt == 0


async def test_each_executor_runs_its_part_of_long_tasks(
    leader: FakeLeader, tmp_path: Path, token: str
) -> None:
    await leader.command(define("/bin/sleep", "60", env=[("T", token)]), assign((0, 5)))
    wait_until(lambda: processes_with(token), lambda found: len(found) == 6, 20, "tasks")
    parents = [_parent(pid) for pid in processes_with(token)]
    assert sorted(parents) == sorted(2 * _executors(tmp_path))
    await leader.command(Cancel(0, UID, []))
    await leader.until(lambda: leader.stopped == list(range(6)), PATIENCE)
    assert not processes_with(token)


async def test_long_outputs_come_whole_through_the_executors(leader: FakeLeader) -> None:
    script = "head -c 100000 /dev/zero | tr '\\0' x; echo $(DJOB_INDEX)"
    command = define("/bin/sh", "-c", script, output_limit_bytes=200_000)
    await leader.command(command, assign((0, 5)))
    await leader.until(lambda: len(leader.records) == 6, PATIENCE)
    for index in range(6):
        record = await leader.record(index)
        assert record.stdout == b"x" * 100_000 + f"{index}\n".encode()


async def test_what_is_returned_never_runs_and_what_ran_is_reported(
    leader: FakeLeader, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    await leader.command(define(*_noting(ledger)), assign((0, 19_999)))
    await leader.until(lambda: len(leader.succeeded) > 200, PATIENCE)
    await leader.command(Return(0, UID, [(0, 19_999)]))
    await leader.until(lambda: leader.last is not None and leader.last.applied == 3)
    await leader.until(lambda: not leader.jobs, PATIENCE)
    assert 200 < len(leader.succeeded) < 20_000
    assert sorted(map(int, lines(ledger))) == leader.succeeded


async def test_cancel_leaves_nothing_that_could_still_start(
    leader: FakeLeader, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    await leader.command(define(*_noting(ledger)), assign((0, 19_999)))
    await leader.until(lambda: len(leader.succeeded) > 200, PATIENCE)
    await leader.command(Cancel(0, UID, []))
    await leader.until(lambda: leader.last is not None and leader.last.applied == 3)
    await leader.until(lambda: not leader.jobs, PATIENCE)
    ran = set(map(int, lines(ledger)))
    assert len(lines(ledger)) == len(ran) < 20_000
    assert set(leader.succeeded) <= ran <= {*leader.succeeded, *leader.stopped}
    assert not {*leader.succeeded} & {*leader.stopped}


async def test_a_killed_executor_ends_the_agent_and_all_that_ran(
    url: str, tmp_path: Path, token: str
) -> None:
    async with fake_leader(url, acknowledges=False) as leader:
        with _several(url, tmp_path) as agent:
            await leader.granted()
            await leader.command(define("/bin/true", uid="first"), assign((0, 9), uid="first"))
            await leader.until(lambda: leader.succeeded == list(range(10)), PATIENCE)
            script = "setsid sleep 60 & sleep 60"
            await leader.command(
                define("/bin/sh", "-c", script, env=[("T", token)]), assign((0, 5))
            )
            wait_until(lambda: processes_with(token), lambda found: len(found) >= 12, 20, "trees")
            first = leader.hello
            os.kill(_executors(tmp_path)[1], signal.SIGKILL)
            assert await asyncio.to_thread(agent.process.wait, 20) == 1
            assert not processes_with(token)
            assert not _executors(tmp_path)
        leader.entries.clear()
        with _several(url, tmp_path):
            # What had ended is told again, and nobody claims to know of what ran.
            await leader.until(lambda: leader.succeeded == list(range(10)), PATIENCE)
            assert leader.hello is not None
            assert leader.hello is not first
            assert [job.uid for job in leader.hello.jobs] == ["first"]
            assert not leader.stopped
            assert not leader.failures


async def test_a_task_that_kills_its_parent_brings_down_the_agent(url: str, tmp_path: Path) -> None:
    with _several(url, tmp_path) as agent:
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("/bin/sh", "-c", "kill -9 $PPID"), assign((0, 0)))
            assert await asyncio.to_thread(agent.process.wait, 20) == 1
            assert not leader.entries


async def test_executors_and_tasks_go_with_a_killed_agent(
    url: str, tmp_path: Path, token: str
) -> None:
    with _several(url, tmp_path) as agent:
        async with fake_leader(url) as leader:
            await leader.granted()
            script = "trap '' TERM; setsid sleep 60 & sleep 60"
            await leader.command(
                define("/bin/sh", "-c", script, env=[("T", token)]), assign((0, 5))
            )
            wait_until(lambda: processes_with(token), lambda found: len(found) >= 12, 20, "trees")
            agent.kill()
            wait_until(lambda: processes_with(token), lambda left: not left, 10, "tasks")
            wait_until(lambda: _executors(tmp_path), lambda left: not left, 10, "executors")


async def test_the_next_agent_ends_an_executor_that_was_stopped(
    url: str, tmp_path: Path, token: str
) -> None:
    async with fake_leader(url) as leader:
        with _several(url, tmp_path) as agent:
            await leader.granted()
            await leader.command(define("/bin/sleep", "60", env=[("T", token)]), assign((0, 5)))
            wait_until(lambda: processes_with(token), lambda found: len(found) == 6, 20, "tasks")
            stopped = _executors(tmp_path)[0]
            os.kill(stopped, signal.SIGSTOP)
            agent.kill()
        wait_until(lambda: _executors(tmp_path), lambda left: left == [stopped], 10, "executors")
        first = leader.hello
        with _several(url, tmp_path):
            await leader.until(lambda: leader.hello is not first, PATIENCE)
            assert not processes_with(token)
            assert stopped not in _executors(tmp_path)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
