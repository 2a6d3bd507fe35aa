"""An executor process' side: what it starts in whose place, what it tells and gives back."""

import threading
from typing import Any, cast

from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.execution import wire
from distributedjob_worker.execution.capture import Part
from distributedjob_worker.execution.feed import STALE_SECONDS, TELL_COUNT, Feed
from tests.support.worker_driver import define

DONE = Outcome(0.0, 0.001)


class Agent:
    """The other end of the wire, and a clock that is set."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.frames = wire.agent_frames()
        self.heard: list[wire.ToAgent] = []
        self.feed = Feed(threading.Lock(), cast("Any", self), lambda: self.seconds)
        self.feed.apply([wire.Job(1, define("/bin/true")), wire.Job(2, define("/bin/false"))])

    def sendall(self, data: bytes) -> None:
        self.heard += self.frames.feed(data)

    def start(self, number: int, key: int = 1, *, ahead: bool = False) -> None:
        self.feed.apply([wire.Start(number, key, 100 + number, 0, None, ahead)])

    def told(self) -> list[wire.ToAgent]:
        self.feed.tell()
        heard, self.heard = self.heard, []
        return heard


def _take(feed: Feed) -> Task:
    task = feed.take(0.0)
    assert task is not None
    return task


def test_tasks_start_in_order_and_each_end_frees_a_slot_at_once() -> None:
    agent = Agent()
    agent.start(7)
    agent.start(8, key=2)
    first, second = _take(agent.feed), _take(agent.feed)
    assert (first.index, first.define.argv, second.index) == (107, ["/bin/true"], 108)
    assert not agent.feed.has_room
    assert agent.feed.finish(second, DONE)
    assert agent.told() == [wire.Ended(8, DONE, -1)]
    assert not agent.feed.runs(second)
    assert agent.feed.runs(first)


def test_a_task_ahead_starts_in_the_place_of_one_of_its_job_only() -> None:
    agent = Agent()
    agent.start(1)
    agent.start(2, key=2)
    agent.start(3, ahead=True)
    one, other = _take(agent.feed), _take(agent.feed)
    assert agent.feed.finish(other, DONE)
    assert agent.feed.take(0.0) is None
    assert not agent.feed.finish(one, DONE)
    assert _take(agent.feed).index == 103
    assert agent.told() == [wire.Ended(2, DONE, -1), wire.Ended(1, DONE, 3)]


def test_many_ends_are_told_without_waiting_for_more() -> None:
    agent = Agent()
    agent.start(0)
    for number in range(1, TELL_COUNT + 1):
        agent.start(number, ahead=True)
    urgent = [agent.feed.finish(_take(agent.feed), DONE) for _ in range(TELL_COUNT)]
    assert urgent == [False] * (TELL_COUNT - 1) + [True]


def test_a_task_ahead_of_nothing_is_given_back() -> None:
    agent = Agent()
    agent.start(1)
    agent.feed.finish(_take(agent.feed), DONE)
    agent.start(2, ahead=True)
    assert agent.told() == [wire.Ended(1, DONE, -1), wire.Back(2)]
    assert not agent.feed.has_room


def test_recall_gives_back_what_is_ahead_and_leaves_what_runs() -> None:
    agent = Agent()
    agent.start(1)
    agent.start(2, ahead=True)
    assert agent.feed.apply([wire.Recall([1, 2, 99])]) == []
    assert agent.told() == [wire.Back(2)]
    assert agent.feed.finish(_take(agent.feed), DONE)


def test_stop_gives_back_what_is_ahead_before_it_ends_what_runs() -> None:
    agent = Agent()
    agent.start(1)
    agent.start(2, ahead=True)
    (running,) = agent.feed.apply([wire.Stop([1, 2, 99])])
    assert running.index == 101
    assert agent.feed.finish(_take(agent.feed), DONE)
    assert agent.told() == [wire.Back(2), wire.Ended(1, DONE, -1)]


def test_what_is_ahead_for_long_is_given_back() -> None:
    agent = Agent()
    agent.start(1)
    agent.start(2, ahead=True)
    agent.seconds = STALE_SECONDS / 2
    agent.start(3, ahead=True)
    assert agent.feed.give_back_stale(STALE_SECONDS)
    assert not agent.feed.give_back_stale(2 * STALE_SECONDS)
    assert agent.told() == [wire.Back(2), wire.Back(3)]


def test_what_a_running_task_wrote_is_said_and_of_others_nothing() -> None:
    agent = Agent()
    agent.start(1)
    task = _take(agent.feed)
    parts = Part(2, b"ne\n", 5), Part(0, b"", 0)

    def written(asked: Task, *where: int) -> tuple[Part, Part]:
        assert (asked, where) == (task, (2, 0, 64))
        return parts

    agent.feed.apply([wire.Show(99, 0, 0, 64), wire.Show(1, 2, 0, 64)])
    agent.feed.show(written)
    assert agent.heard == [wire.Shown(Part(), Part()), wire.Shown(*parts)]


def test_nothing_starts_when_the_agent_is_gone() -> None:
    agent = Agent()
    agent.start(1)
    agent.start(2)
    agent.start(3, ahead=True)
    running = _take(agent.feed)
    agent.feed.close()
    agent.feed.finish(running, DONE)
    assert agent.feed.take(0.0) is None
