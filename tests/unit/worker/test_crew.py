"""The agent's side of an executor process: definitions once, short tasks ahead."""

import threading
from typing import Any, cast

from distributedjob_api.messages import Commands, OutputRequest, Welcome
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.core.worker import Identity, Worker
from distributedjob_worker.execution import crew, wire
from distributedjob_worker.execution.capture import Part
from distributedjob_worker.execution.crew import AHEAD_MOST, AHEAD_SECONDS, Crew
from distributedjob_worker.execution.feed import Feed
from tests.support.worker_driver import UID, assign, define


class Wire:
    """A socket that takes what it is sent."""

    def send(self, data: bytes) -> int:
        return len(data)

    def setblocking(self, flag: bool) -> None:
        assert not flag


def _executor() -> crew._Executor:
    return crew._Executor(1, cast("Any", Wire()))


def _crew(executors: int, slots: int, tasks: int) -> tuple[Crew, Worker, list[crew._Executor]]:
    """Slots that all run, on executors that take what they are sent."""
    core = Worker(Identity("inc", "node", "10.0.0.1", "0.1", slots * 1000, 1 << 30))
    core.handle(Welcome(5, 7, "inc", 0.05), 0.0)
    core.handle(Commands(5, 7, [define("/bin/true"), assign((0, tasks - 1))]), 1.0)
    made = Crew(core, threading.Lock())
    made._executors = [_executor() for _ in range(executors)]
    made._dispatch(1.0)
    return made, core, made._executors


def _some_task() -> Task:
    return Task(define("/bin/true"), 0, 0, None)


def _ended(executor: crew._Executor, seconds: float) -> list[wire.ToAgent]:
    """All that runs ends, and what is ahead follows in order."""
    ahead = list(executor.ahead)
    return [
        wire.Ended(number, Outcome(0.0, seconds), ahead.pop(0) if ahead else -1)
        for number in list(executor.running)
    ]


def test_a_definition_is_sent_once_and_again_when_it_was_dropped() -> None:
    executor = _executor()
    jobs = [define("/bin/true", uid=f"job-{number}") for number in range(crew._JOBS + 1)]
    feed = Feed(threading.Lock(), cast("Any", None))
    for job in [*jobs, *jobs[-3:], jobs[0]]:
        executor.start(Task(job, 0, 0, None))
    feed.apply(executor.outbox)
    sent = [order.define.uid for order in executor.outbox if isinstance(order, wire.Job)]
    assert sent == [job.uid for job in [*jobs, jobs[0]]]
    assert [order.key for order in executor.outbox if isinstance(order, wire.Drop)] == [0, 1]
    started = [task.define.uid for task in iter(lambda: feed.take(0.0), None) if task]
    assert started == [job.uid for job in [*jobs, *jobs[-3:], jobs[0]]]


def test_a_definition_in_use_stays() -> None:
    executor = _executor()
    jobs = [define("/bin/true", uid=f"job-{number}") for number in range(crew._JOBS + 1)]
    for job in [*jobs[:-1], jobs[0], jobs[-1]]:
        executor.start(Task(job, 0, 0, None))
    assert [order.key for order in executor.outbox if isinstance(order, wire.Drop)] == [1]


def test_tasks_go_to_whoever_runs_the_fewest() -> None:
    _, core, executors = _crew(3, slots=8, tasks=100)
    assert sorted(len(executor.running) for executor in executors) == [2, 3, 3]
    assert not core.has_room


def test_short_tasks_are_handed_out_ahead_and_long_ones_are_not() -> None:
    for seconds, each in ((AHEAD_SECONDS / 100, AHEAD_MOST), (2 * AHEAD_SECONDS, 0)):
        made, core, (first, second) = _crew(2, slots=4, tasks=1000)
        for _ in range(60):
            made._apply(first, _ended(first, seconds))
            made._dispatch(1.0, first)
            made._hand_ahead(first)
        assert len(first.running) == len(second.running) == 2
        assert core.queues.running_count == 4
        assert len(first.ahead) <= each * 2
        assert bool(first.ahead) == bool(each)


def test_what_tasks_wrote_is_told_to_whoever_asked_for_it() -> None:
    made, _, (executor,) = _crew(1, slots=2, tasks=3)
    told: list[tuple[str, Part, Part]] = []
    tasks = list(executor.running.values())
    for name, task in (("one", tasks[0]), ("two", tasks[1]), ("none", _some_task())):
        request = OutputRequest(5, 7, 1, UID, task.index, 0, 0, 64)
        made.show(task, request, lambda out, err, name=name: told.append((name, out, err)))
    assert told == [("none", Part(), Part())]
    made._apply(executor, [wire.Shown(Part(0, b"1", 1), Part())])
    made._apply(executor, [wire.Shown(Part(0, b"2", 1), Part())])
    assert [(name, out.content) for name, out, _ in told[1:]] == [("one", b"1"), ("two", b"2")]


def test_what_was_given_back_shows_that_tasks_run_long() -> None:
    made, core, (first, _) = _crew(2, slots=4, tasks=1000)
    for _ in range(60):
        made._apply(first, _ended(first, 0.0001))
        made._dispatch(1.0, first)
        made._hand_ahead(first)
    waiting = len(core.queues.jobs[UID].waiting)
    ahead = list(first.ahead)
    assert not made._apply(first, [wire.Back(number) for number in ahead])
    assert not made._hand_ahead(first)
    assert not first.ahead
    assert len(core.queues.jobs[UID].waiting) == waiting + len(ahead)
