"""Slots outlive whatever happens to one task, and want of descriptors holds up no other."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from distributedjob_api import task_reasons
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import Worker
from distributedjob_worker.execution import linux
from distributedjob_worker.execution.executor import Executor, Room
from distributedjob_worker.execution.scratch import ScratchPool
from tests.support.waiting import wait_until
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


class Tasks:
    """Tasks that may all start at once, and how they ended."""

    def __init__(self, *tasks: Task) -> None:
        self.waiting = list(tasks)
        self.ends: dict[int, Outcome] = {}

    @property
    def has_room(self) -> bool:
        return bool(self.waiting)

    def take(self, now: float) -> Task | None:
        return self.waiting.pop(0) if self.waiting else None

    def finish(self, task: Task, outcome: Outcome) -> bool:
        self.ends[task.index] = outcome
        return False

    def runs(self, task: Task) -> bool:
        return task not in self.waiting and task.index not in self.ends


class Sweeper:
    """Ends nobody, for a real one would end the children of other tests."""

    def __init__(self) -> None:
        self.fails = threading.Event()

    def sweep(self) -> int:
        if self.fails.is_set():
            self.fails.clear()
            _no_descriptor()
        return 0


def _run(tasks: Tasks, home: Path, slots: int, sweeper: Sweeper | None = None) -> Executor:
    room = Room(home, "node", "mark", slots, {})
    executor = Executor(tasks, threading.Lock(), ScratchPool(home / "s"), room)
    executor.monitor._sweeper = cast("Any", sweeper or Sweeper())
    executor.start(lambda: None)
    executor.wake()
    return executor


def _no_descriptor(*_: object) -> Any:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_who_cannot_be_waited_for_with_a_descriptor_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pidfd_open", _no_descriptor)
    long, short = Task(define("/bin/sleep", "60"), 0, 0, None), Task(define("true"), 1, 0, None)
    tasks = Tasks(long, short)
    executor = _run(tasks, tmp_path, slots=0)
    wait_until(lambda: tasks.ends, lambda ends: 1 in ends, 10, "the end of the short one")
    executor.stop([long])
    wait_until(lambda: tasks.ends, lambda ends: 0 in ends, 10, "the end of the long one")
    assert [tasks.ends[index].reason for index in (0, 1)] == [task_reasons.STOPPED, ""]


def test_time_limits_hold_also_after_all_descriptors_were_taken(tmp_path: Path) -> None:
    sweeper = Sweeper()
    sweeper.fails.set()
    tasks = Tasks(Task(define("/bin/sleep", "60", timeout_seconds=0.5), 0, 0, None))
    _run(tasks, tmp_path, slots=1, sweeper=sweeper)
    wait_until(lambda: tasks.ends, lambda ends: 0 in ends, 20, "the end at the limit")
    assert not sweeper.fails.is_set()
    assert tasks.ends[0].reason == task_reasons.DEADLINE_EXCEEDED


@pytest.fixture
def adopting() -> Iterator[None]:
    """As in an agent, whoever loses its parent is this process' child."""
    linux.adopt_orphans()
    yield
    linux._libc.prctl(linux._PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _stopped(task: Task, folder: Path, slots: int) -> Outcome:
    """How a task ends that is stopped once it has written something."""
    tasks = Tasks(task)
    executor = _run(tasks, folder, slots)
    wait_until(
        lambda: executor.written(task, 0, 0, 100)[0].content, lambda out: bool(out), 20, "its start"
    )
    executor.stop([task])
    wait_until(lambda: tasks.ends, lambda ends: 0 in ends, 20, "the end")
    return tasks.ends[0]


@pytest.mark.usefixtures("adopting")
@pytest.mark.parametrize("slots", [0, 1])
def test_what_a_shell_runs_has_its_grace_though_the_shell_ends_at_once(
    tmp_path: Path, slots: int
) -> None:
    saver = 'trap "sleep 0.5; echo saved; exit" TERM; echo ready; sleep 60 & wait'
    task = Task(define("/bin/sh", "-c", f"sh -c '{saver}'; echo never"), 0, 0, None)
    end = _stopped(task, tmp_path, slots)
    assert (end.reason, end.stdout) == (task_reasons.STOPPED, b"ready\nsaved\n")


@pytest.mark.usefixtures("adopting")
@pytest.mark.parametrize("slots", [0, 1])
def test_what_ignores_its_grace_is_ended_after_it(tmp_path: Path, slots: int) -> None:
    stubborn = 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    job = define("/bin/sh", "-c", f"sh -c '{stubborn}'; echo never", grace_seconds=0.5)
    task = Task(job, 0, 0, None)
    end = _stopped(task, tmp_path, slots)
    assert end.duration > 0.5
