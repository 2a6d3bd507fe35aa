"""Signals go to processes that run, and to no others."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from distributedjob_api import task_reasons
from distributedjob_worker.core.queues import Task
from distributedjob_worker.execution.launch import Process
from distributedjob_worker.execution.processes import Processes
from tests.support.worker_driver import define


@pytest.fixture
def processes() -> Processes:
    return Processes(threading.Lock())


@pytest.fixture
def sleeper() -> Iterator[Process]:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {}, setsid=True)
    yield _process(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _process(pid: int) -> Process:
    task = Task(define("/bin/sleep", "60"), 0, 0, None)
    return Process(task, pid, -1, -1, "", 0.0, 0.0, 0.0)


def test_who_runs_is_ended_for_a_reason(processes: Processes, sleeper: Process) -> None:
    processes.add(sleeper)
    processes.terminate(sleeper, task_reasons.DEADLINE_EXCEEDED)
    assert sleeper.stop_reason == task_reasons.DEADLINE_EXCEEDED
    ended = os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert ended.si_status == signal.SIGTERM


def test_who_has_ended_by_itself_keeps_its_outcome_until_it_is_reaped(processes: Processes) -> None:
    # Whoever reaps may be held up, say by a scratch directory full of files.
    pid = os.posix_spawn("/bin/true", ["true"], {}, setsid=True)
    ended = _process(pid)
    processes.add(ended)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    processes.terminate(ended, task_reasons.DEADLINE_EXCEEDED)
    assert ended.stop_reason == ""
    os.waitpid(pid, 0)
