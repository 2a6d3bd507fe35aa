"""The address at which a worker serves its metrics: used, taken, and held open by others."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from distributedjob_local.component import free_port
from tests.support.scrapes import Samples, samples, scrape
from tests.support.waiting import wait_until
from tests.support.worker_driver import agent_process, assign, define, fake_leader, nats_process


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


async def test_it_tells_what_runs_and_what_waits(url: str, tmp_path: Path, address: str) -> None:
    gate = tmp_path / "gate"
    with agent_process(url, tmp_path, DJOB_METRICS_LISTEN=address):
        async with fake_leader(url, epoch=9) as leader:
            await leader.granted()
            wait = f"while ! [ -e {gate} ]; do sleep 0.05; done"
            await leader.command(define("/bin/sh", "-c", wait), assign((0, 4)))
            await leader.until(lambda: any(job.running for job in leader.jobs.values()))

            def busy() -> Samples:
                return samples(scrape(address))

            found = wait_until(
                busy,
                lambda seen: seen["distributedjob_worker_tasks_running",] == 2,
                20,
                "two tasks run",
            )
            assert found["distributedjob_worker_tasks_queued",] == 3
            assert found["distributedjob_worker_slots",] == 2
            assert found["distributedjob_worker_slots_busy",] == 2
            assert found["distributedjob_worker_epoch",] == 9
            gate.touch()
            await leader.until(lambda: len(leader.succeeded) == 5)
            found = samples(scrape(address))
            assert found["distributedjob_worker_slots_busy",] == 0
            assert found["distributedjob_worker_run_seconds_count", "default"] == 5


async def test_it_tells_what_it_refused(url: str, tmp_path: Path, address: str) -> None:
    with agent_process(url, tmp_path, DJOB_METRICS_LISTEN=address):
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.send_raw(b"\xc1")

            def refused() -> float:
                return samples(scrape(address))["distributedjob_worker_refused_messages_total",]

            wait_until(refused, lambda count: count == 1, 10, "it is counted")


async def test_an_address_that_is_taken_keeps_no_task_from_running(
    url: str, tmp_path: Path
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        agent_process(
            url, tmp_path, DJOB_METRICS_LISTEN=f"127.0.0.1:{taken.getsockname()[1]}"
        ) as agent,
    ):
        async with fake_leader(url) as leader:
            await leader.granted()
            await leader.command(define("/bin/true"), assign((0, 9)))
            await leader.until(lambda: len(leader.succeeded) == 10)
            agent.terminate()
            assert agent.process.wait(10) == 0


async def test_who_asks_for_nothing_does_not_hold_up_a_stop(
    url: str, tmp_path: Path, address: str
) -> None:
    with agent_process(url, tmp_path, DJOB_METRICS_LISTEN=address) as agent:
        async with fake_leader(url) as leader:
            await leader.granted()
            host, _, port = address.rpartition(":")
            with socket.create_connection((host, int(port))):
                agent.terminate()
                assert agent.process.wait(10) == 0


async def test_there_is_nothing_beside_metrics(url: str, tmp_path: Path, address: str) -> None:
    with agent_process(url, tmp_path, DJOB_METRICS_LISTEN=address):
        async with fake_leader(url) as leader:
            await leader.granted()
            assert requests.get(f"http://{address}/", timeout=5).status_code == 404
            assert requests.post(f"http://{address}/metrics", timeout=5).status_code == 501


async def test_it_tells_of_the_loss_of_nats(tmp_path: Path, address: str) -> None:
    def connected() -> float:
        return samples(scrape(address))["distributedjob_nats_connected",]

    with ExitStack() as stack:
        with nats_process(tmp_path / "nats") as url:
            stack.enter_context(agent_process(url, tmp_path, DJOB_METRICS_LISTEN=address))
            async with fake_leader(url) as leader:
                await leader.granted()
            assert connected() == 1
        wait_until(connected, lambda there: there == 0, 20, "the loss")
        with nats_process(tmp_path / "nats", int(url.rpartition(":")[2])):
            wait_until(connected, lambda there: there == 1, 20, "the return")
            assert samples(scrape(address))["distributedjob_nats_reconnects_total",] == 1
