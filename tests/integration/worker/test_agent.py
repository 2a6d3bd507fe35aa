"""The agent as a process, over a real NATS server, with a leader that the test speaks for."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, StreamConfig

from distributedjob_api.messages import Cancel, Forget, Hello, Report
from distributedjob_api.subjects import Subjects
from distributedjob_worker.journal import BUFFER_BYTES
from tests.support.waiting import wait_until
from tests.support.worker_driver import (
    INSTALLATION,
    UID,
    agent_process,
    assign,
    define,
    fake_leader,
    nats_process,
)


async def test_tasks_run_and_every_result_is_reported(
    url: str, tmp_path: Path, executors: str
) -> None:
    with agent_process(url, tmp_path, DJOB_EXECUTORS=executors) as agent:
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("/bin/true"), assign((0, 499)))
            await leader.until(lambda: len(leader.succeeded) == 500)
            assert leader.succeeded == list(range(500))
            assert agent.ready_file.exists()
            await leader.until(lambda: not leader.jobs)


async def test_a_single_task_does_not_wait_for_a_tick(
    url: str, tmp_path: Path, executors: str
) -> None:
    with agent_process(url, tmp_path, DJOB_EXECUTORS=executors):
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("/bin/sh", "-c", "exit 127"), assign((7, 7)))
            await leader.until(lambda: bool(leader.failures))
            assert [(f.index, f.reason, f.exit_code) for f in leader.failures] == [
                (7, "Error", 127)
            ]


async def test_cancel_ends_running_tasks_and_drops_queued_ones(
    url: str, tmp_path: Path, executors: str
) -> None:
    with agent_process(url, tmp_path, DJOB_EXECUTORS=executors):
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("/bin/sleep", "60"), assign((0, 9)))
            await leader.until(lambda: UID in leader.jobs and leader.jobs[UID].running == [(0, 1)])
            await leader.command(Cancel(0, UID, []))
            await leader.until(lambda: leader.stopped == [0, 1])
            await leader.command(assign((0, 9)), Forget(0, UID))
            await leader.until(lambda: leader.last is not None and leader.last.applied == 5)
            assert not leader.jobs


async def test_results_survive_a_killed_agent(url: str, tmp_path: Path, executors: str) -> None:
    async with fake_leader(url, acknowledges=False) as leader:
        with agent_process(url, tmp_path, DJOB_EXECUTORS=executors) as agent:
            await leader.granted()
            await leader.command(define("/bin/true"), assign((0, 99)))
            await leader.until(lambda: leader.succeeded == list(range(100)))
            agent.kill()
        first = leader.hello
        assert first is not None
        leader.entries.clear()
        with agent_process(url, tmp_path, DJOB_EXECUTORS=executors):
            await leader.until(lambda: leader.succeeded == list(range(100)))
            assert {incarnation for incarnation, _, _ in leader.entries} != {first.incarnation}


async def test_sigterm_gives_back_what_waits_and_reports_the_rest(
    url: str, tmp_path: Path, executors: str
) -> None:
    with agent_process(url, tmp_path, DJOB_EXECUTORS=executors) as agent:
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("/bin/sleep", "60"), assign((0, 9)))
            await leader.until(lambda: UID in leader.jobs and leader.jobs[UID].running == [(0, 1)])
            agent.terminate()
            await leader.until(lambda: leader.stopped == [0, 1])
            assert leader.last is not None
            assert leader.last.leaving
            assert not any(job.queued for job in leader.last.jobs)
            # In a thread: the leader has to go on acknowledging.
            assert await asyncio.to_thread(agent.process.wait, 4) == 0


async def test_a_second_signal_ends_at_once(url: str, tmp_path: Path, executors: str) -> None:
    stubborn = "trap '' TERM; while :; do sleep 1; done"
    with agent_process(url, tmp_path, DJOB_EXECUTORS=executors) as agent:
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("/bin/sh", "-c", stubborn), assign((0, 0)))
            await leader.until(lambda: UID in leader.jobs and leader.jobs[UID].running == [(0, 0)])
            agent.terminate()
            await leader.until(lambda: leader.last is not None and leader.last.leaving)
            agent.process.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(agent.process.wait, 5) == 1


async def test_a_new_leader_hears_everything_again(url: str, tmp_path: Path) -> None:
    with agent_process(url, tmp_path):
        async with fake_leader(url, acknowledges=False) as old:
            await old.granted()
            await old.command(define("/bin/true"), assign((0, 9)))
            await old.until(lambda: old.succeeded == list(range(10)))
        async with fake_leader(url, epoch=2) as new:
            await new.until(lambda: new.succeeded == list(range(10)))
            hellos = [message for message in new.heard if isinstance(message, Hello)]
            assert [job.entries for job in hellos[0].jobs] == [[]]
            reports = [message for message in new.heard if isinstance(message, Report)]
            assert {report.epoch for report in reports} == {2}


async def test_work_goes_on_while_nats_is_gone(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with nats_process(tmp_path / "nats") as url:
            agent = stack.enter_context(agent_process(url, tmp_path))
            async with fake_leader(url) as leader:
                await leader.granted()
                await leader.command(
                    define("/bin/sh", "-c", f"sleep 1; touch {tmp_path}/done-$(DJOB_INDEX)"),
                    assign((0, 3)),
                )
                await leader.until(lambda: UID in leader.jobs)
        wait_until(lambda: len(list(tmp_path.glob("done-*"))), lambda done: done == 4, 10, "tasks")
        port = int(url.rpartition(":")[2])
        with nats_process(tmp_path / "nats", port) as url:
            async with fake_leader(url, epoch=2) as leader:
                await leader.until(lambda: leader.succeeded == [0, 1, 2, 3])
        assert agent.process.poll() is None


async def test_the_journal_waits_for_its_stream(tmp_path: Path) -> None:
    with nats_process(tmp_path / "nats") as url, agent_process(url, tmp_path):
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("/bin/true"), assign((0, 9)))
            await leader.until(lambda: leader.succeeded == list(range(10)))
            client = Client()
            await client.connect(url)
            subjects = Subjects(INSTALLATION)
            stream = client.jetstream()
            await stream.add_stream(
                name=subjects.journal_stream(), subjects=[subjects.every_journal()]
            )
            async with asyncio.timeout(10):
                reader = await stream.subscribe(subjects.every_journal())
                await reader.next_msg(timeout=10)
            await client.close()


NOWHERE = "nats://127.0.0.1:1"


def test_sigterm_ends_an_agent_that_never_found_nats(tmp_path: Path) -> None:
    with agent_process(NOWHERE, tmp_path) as agent:
        log = tmp_path / "log"
        wait_until(log.read_text, lambda text: "Connect call failed" in text, 10, "an attempt")
        with pytest.raises(subprocess.TimeoutExpired):  # It goes on trying.
            agent.process.wait(1.5)
        agent.terminate()
        assert agent.process.wait(5) == 0
        assert log.read_text().count("Connect call failed") == 1
        assert "NATS is gone" not in log.read_text()


async def test_sigterm_leaves_tasks_their_grace_while_nats_is_gone(
    tmp_path: Path, executors: str
) -> None:
    slow = (
        f"trap 'sleep 1; touch {tmp_path}/done; exit' TERM; touch {tmp_path}/runs; sleep 60 & wait"
    )
    with ExitStack() as stack:
        with nats_process(tmp_path / "nats") as url:
            agent = stack.enter_context(agent_process(url, tmp_path, DJOB_EXECUTORS=executors))
            async with fake_leader(url) as leader:
                await leader.granted()
                await leader.command(define("/bin/sh", "-c", slow), assign((0, 0)))
                wait_until((tmp_path / "runs").exists, bool, 10, "the task")
        agent.terminate()
        # Its results may be acknowledged yet: that is waited for, but not for long.
        assert agent.process.wait(10) == 0
        assert (tmp_path / "done").exists()


async def test_an_orderly_stop_does_not_miss_nats(url: str, tmp_path: Path) -> None:
    with agent_process(url, tmp_path) as agent:
        async with fake_leader(url) as leader:
            await leader.granted()
            agent.terminate()
            assert await asyncio.to_thread(agent.process.wait, 4) == 0
    assert "NATS is gone" not in (tmp_path / "log").read_text()


async def test_ready_is_who_has_a_session_and_a_connection(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.touch()  # As an agent leaves it that was killed.
    with ExitStack() as first:
        url = first.enter_context(nats_process(tmp_path / "nats"))
        with agent_process(url, tmp_path) as agent:
            assert agent.ready_file == ready
            await asyncio.to_thread(
                wait_until, ready.exists, lambda there: not there, 10, "the old file goes"
            )
            async with fake_leader(url) as leader:
                await leader.granted()
                await asyncio.to_thread(wait_until, ready.exists, bool, 10, "it is ready")
            first.close()
            await asyncio.to_thread(
                wait_until, ready.exists, lambda there: not there, 10, "it is not ready"
            )
            with nats_process(tmp_path / "again", int(url.rpartition(":")[2])):
                async with fake_leader(url, epoch=2) as leader:
                    await leader.granted()
                    await asyncio.to_thread(wait_until, ready.exists, bool, 10, "ready again")


def test_a_wrong_password_is_told_once_and_may_be_mended(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("wrong")
    extra = {"DJOB_NATS_USER": "worker", "DJOB_NATS_PASSWORD_FILE": str(password)}
    with guarded_nats(tmp_path) as url, agent_process(url, tmp_path, **extra) as agent:
        log = tmp_path / "log"
        wait_until(log.read_text, lambda text: "Authorization" in text, 10, "a refusal")
        refused = tmp_path / "nats-log"
        wait_until(
            refused.read_text, lambda text: text.count("authentication error") > 2, 20, "refusals"
        )
        password.write_text("right")
        wait_until(log.read_text, lambda text: "connected to NATS" in text, 10, "a connection")
        agent.terminate()
        assert agent.process.wait(5) == 0
        refusals = [line for line in log.read_text().splitlines() if "Authorization" in line]
        assert len(refusals) == 1
        assert "check DJOB_NATS_USER and DJOB_NATS_PASSWORD_FILE" in refusals[0]


@pytest.mark.parametrize("name", ["DJOB_NATS_URL", "DJOB_NODE", "DJOB_STATE_DIR"])
def test_a_wrong_setting_is_one_line(tmp_path: Path, name: str) -> None:
    file = tmp_path / "a_file"
    file.touch()
    wrong = {
        "DJOB_NATS_URL": "nats://nats:port",
        "DJOB_NODE": "Node_1",
        "DJOB_STATE_DIR": str(file),
    }
    with agent_process(NOWHERE, tmp_path, **{name: wrong[name]}) as agent:
        assert agent.process.wait(10) == 2
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line.startswith(f"distributedjob-worker: {name} ")


@contextmanager
def guarded_nats(folder: Path) -> Iterator[str]:
    """A server that wants a password."""
    binary = Path(sys.executable).parent / "nats-server"
    arguments = ["-a", "127.0.0.1", "-p", "-1", "--user", "worker", "--pass", "right"]
    process = subprocess.Popen(
        [binary, *arguments, "--ports_file_dir", str(folder), "-l", str(folder / "nats-log")]
    )
    try:
        found = wait_until(
            lambda: [text for file in folder.glob("*.ports") if (text := file.read_text())],
            bool,
            10,
            "the server's port",
        )
        yield json.loads(found[0])["nats"][0]
    finally:
        process.kill()
        process.wait()


async def test_a_running_task_is_read_while_it_writes(tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    script = f"echo one; echo two >&2; while [ -e {hold} ]; do sleep 0.05; done; echo three"
    with nats_process(tmp_path / "nats") as url, agent_process(url, tmp_path):
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("sh", "-c", script), assign((0, 1)))

            async with asyncio.timeout(20):
                while (shown := await leader.written(1, 0, 0)).stderr != b"two\n":
                    assert shown.attempt in (0, 1)
            assert (shown.stdout, shown.stdout_bytes, shown.attempt) == (b"one\n", 4, 1)
            again = await leader.written(1, 4, 2)
            assert (again.stdout_at, again.stdout, again.stderr_at, again.stderr) == (
                4, b"", 2, b"o\n",
            )  # fmt: skip
            hold.unlink()
            await leader.until(lambda: leader.succeeded == [0, 1])
            assert (await leader.written(1, 0, 0)).attempt == 0
            # Reading it moved nothing: what was written later stands behind.
            assert (await leader.record(1)).stdout == b"one\nthree\n"


async def test_a_full_journal_holds_up_no_task_and_says_what_it_cost(tmp_path: Path) -> None:
    tasks, wrote = 60, 900 * 1024
    with nats_process(tmp_path / "nats") as url, agent_process(url, tmp_path):
        client = Client()
        await client.connect(url)
        subjects, stream = Subjects(INSTALLATION), client.jetstream()
        config = StreamConfig(
            name=subjects.journal_stream(),
            subjects=[subjects.every_journal()],
            discard=DiscardPolicy.NEW,
            max_bytes=wrote // 2,
        )
        await stream.add_stream(config)
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(
                define("head", "-c", str(wrote), "/dev/zero", output_limit_bytes=wrote),
                assign((0, tasks - 1)),
            )
            await leader.until(lambda: leader.succeeded == list(range(tasks)), timeout=60)
            await leader.until(lambda: leader.last is not None and leader.last.dropped_records > 0)
            assert await stored(client) == 0
            config.max_bytes = 2 * tasks * wrote
            await stream.update_stream(config)
            async with asyncio.timeout(30):
                while True:
                    last = leader.last
                    assert last is not None
                    if await stored(client) == tasks - last.dropped_records:
                        break
                    await asyncio.sleep(0.05)
            # What its buffer holds was kept.
            assert last.dropped_records <= tasks - BUFFER_BYTES // (wrote + 1024) + 1
        await client.close()


async def stored(client: Client) -> int:
    info = await client.jetstream().stream_info(Subjects(INSTALLATION).journal_stream())
    return info.state.messages
