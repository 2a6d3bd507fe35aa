"""Slots outlive whatever happens to one task."""

import threading
from pathlib import Path
from typing import Any, cast

import pytest

from distributedjob_api import task_reasons
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.worker import Worker
from distributedjob_worker.execution.executor import Executor, Room
from distributedjob_worker.execution.scratch import ScratchPool
from tests.support.worker_core import IDENTITY
from tests.support.worker_driver import define


class Faulty:
    """A launcher that fails as nobody foresaw."""

    def start(self, task: Task) -> None:
        raise RuntimeError("nobody foresaw this")


def test_a_start_that_fails_as_nobody_foresaw_is_an_outcome(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    core = Worker(IDENTITY)
    room = Room(tmp_path, "node", "mark", 2, {})
    executor = Executor(core, threading.Lock(), ScratchPool(tmp_path / "s"), room)
    outcome = executor._run(cast("Any", Faulty()), Task(define("/bin/true"), 7, 0, None))
    assert (outcome.reason, outcome.tail) == (task_reasons.START_FAILED, "nobody foresaw this")
    assert "task 7 could not be started" in caplog.text
    assert not executor.processes.starting
