"""The worker's shell: what it hears is never the end of it."""

import logging
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from distributedjob_api.messages import (
    Announce,
    Hello,
    JournalBatch,
    Welcome,
    decode_worker,
    encode_message,
)
from distributedjob_api.metric_families import WORKER_READY
from distributedjob_api.nats_health import NOBODY
from distributedjob_worker.agent import Agent
from distributedjob_worker.core.worker import Worker
from distributedjob_worker.metrics import WorkerMetrics
from distributedjob_worker.spool import Spool
from tests.support.worker_core import IDENTITY


class Outside:
    """A clock that is set, and whatever is published."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.published: list[bytes] = []

    def publish(self, data: bytes) -> None:
        self.published.append(data)

    dropped_records = 0
    health = NOBODY

    def record(self, batch: JournalBatch) -> None:
        raise AssertionError("nothing ran")


async def test_a_flood_of_nonsense_is_counted_and_told_once_in_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outside, nothing = Outside(), cast("Any", None)
    spool = Spool(tmp_path / "spool")
    agent = Agent(Worker(IDENTITY), threading.Lock(), nothing, spool, None, lambda: outside.seconds)
    agent.transport = outside
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            agent.received(b"\xc1")
        assert len(caplog.records) == 1
        outside.seconds = 60.0
        agent.received(b"\xc1")
    assert "refused, 1001 so far" in caplog.records[1].getMessage()
    agent.received(encode_message(Announce(5, "leader")))
    assert isinstance(decode_worker(outside.published[-1]), Hello)


async def test_metric_and_probe_tell_the_same_of_its_readiness(tmp_path: Path) -> None:
    outside, nothing, file = Outside(), cast("Any", None), tmp_path / "ready"
    core, spool = Worker(IDENTITY), Spool(tmp_path / "spool")
    agent = Agent(core, threading.Lock(), nothing, spool, file, lambda: outside.seconds)
    agent.transport = outside
    metrics = WorkerMetrics("default", core, agent, spool, cast("Any", outside))

    def ready() -> tuple[object, ...]:
        served = [value for family, value in metrics.samples() if family is WORKER_READY]
        return file.exists(), *served

    assert ready() == (False, False)
    agent.connected()
    assert ready() == (False, False)
    agent.received(encode_message(Welcome(5, 1, IDENTITY.incarnation, 0.1)))
    assert ready() == (True, True)
    agent.disconnected()
    assert ready() == (False, False)
