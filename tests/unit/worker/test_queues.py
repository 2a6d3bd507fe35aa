"""Laws of the queues: no index in two places, none lost, slots never overfilled."""

from collections.abc import Iterator

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from distributedjob_worker.core.queues import HOLD_SECONDS, PATIENCE_SECONDS, Queues, Task
from tests.support.worker_driver import UID, define

CPU = 3000
JOBS = {"small": 300, "one": 1000, "big": 2500}
MEMORY = 1000
BYTES = {"small": 400, "one": 0, "big": 700}


class QueueMachine(RuleBasedStateMachine):
    """Random assignments, starts, ends and returns beside a plain model."""

    def __init__(self) -> None:
        super().__init__()
        self.queues = Queues(CPU, MEMORY)
        self.waiting: set[tuple[str, int]] = set()
        self.running: list[Task] = []
        self.ahead: list[Task] = []
        self.recalled: list[Task] = []
        self.parallelism = dict.fromkeys(JOBS, 0)
        self.now = 0.0
        for uid, millis in JOBS.items():
            self.queues.define(
                define("/bin/true", uid=uid, cpu_millis=millis, memory_bytes=BYTES[uid])
            )

    @rule(
        uid=st.sampled_from(sorted(JOBS)),
        first=st.integers(0, 20),
        length=st.integers(1, 10),
        parallelism=st.integers(0, 4),
    )
    def assign(self, uid: str, first: int, length: int, parallelism: int) -> None:
        last = first + length - 1
        self.queues.add(self.queues.jobs[uid], [(first, last)], [], [], parallelism)
        self.parallelism[uid] = parallelism
        runs = {_key(task) for task in (*self.running, *self.ahead)}
        self.waiting |= {(uid, index) for index in range(first, last + 1)} - runs

    @rule(seconds=st.floats(0, 2))
    def take(self, seconds: float) -> None:
        self.now += seconds
        task = self.queues.take(self.now)
        if task is None:
            return
        assert _key(task) in self.waiting
        self.waiting.remove(_key(task))
        self.running.append(task)
        limit = self.parallelism[task.define.uid]
        assert not limit or len(self.queues.jobs[task.define.uid].running) <= limit

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.queues.finish(self.running.pop(data.draw(st.integers(0, len(self.running) - 1))))

    @rule(uid=st.sampled_from(sorted(JOBS)), most=st.integers(1, 5), shares=st.integers(1, 3))
    def take_ahead(self, uid: str, most: int, shares: int) -> None:
        tasks = self.queues.take_ahead(self.queues.jobs[uid].define, most, shares)
        assert len(tasks) <= min(most, len(self.waiting))
        if tasks:
            # Nobody else waits, and no task could start.
            assert {other for other, _ in self.waiting} == {uid}
        for task in tasks:
            self.waiting.remove(_key(task))
        self.ahead += tasks

    @precondition(lambda self: self.ahead)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        task = self.ahead.pop(data.draw(st.integers(0, len(self.ahead) - 1)))
        assert self.queues.give_back(task) == (task not in self.recalled)
        if task not in self.recalled:
            self.waiting.add(_key(task))

    @precondition(lambda self: self.ahead)
    @rule(data=st.data())
    def follow(self, data: st.DataObject) -> None:
        task = self.ahead[data.draw(st.integers(0, len(self.ahead) - 1))]
        before = [one for one in self.running if one.define.uid == task.define.uid]
        if before:
            self.queues.finish(before[0])
            self.queues.follow(task)
            self.running.remove(before[0])
            self.ahead.remove(task)
            self.running.append(task)

    @rule(uid=st.sampled_from(sorted(JOBS)), first=st.integers(0, 20), last=st.integers(0, 30))
    def drop(self, uid: str, first: int, last: int) -> None:
        chosen = [(first, max(first, last))]
        recalled = self.queues.drop(self.queues.jobs[uid], chosen)
        assert {_key(task) for task in recalled} == {
            (uid, index)
            for _, index in map(_key, self._ahead_of(uid))
            if first <= index <= chosen[0][1]
        }
        self.recalled += recalled
        self.waiting -= {
            key for key in self.waiting if key[0] == uid and first <= key[1] <= chosen[0][1]
        }

    def _ahead_of(self, uid: str) -> list[Task]:
        return [task for task in self.ahead if task.define.uid == uid]

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        found = [
            (uid, index)
            for uid, job in self.queues.jobs.items()
            for place in (job.waiting, job.running, job.ahead)
            for index in place
        ]
        running = {_key(task) for task in (*self.running, *self.ahead)}
        assert len(found) == len(set(found))
        assert set(found) == self.waiting | running
        assert self.queues.waiting == bool(self.waiting)

    @invariant()
    def slots_are_what_is_not_used(self) -> None:
        used = sum(task.define.cpu_millis for task in self.running)
        assert self.queues.free_millis == CPU - used >= 0
        taken = sum(task.define.memory_bytes for task in self.running)
        assert self.queues.free_bytes == MEMORY - taken >= 0
        assert self.queues.running_count == len(self.running)


TestQueues = QueueMachine.TestCase


def _key(task: Task) -> tuple[str, int]:
    return task.define.uid, task.index


def _drain(queues: Queues, now: float = 0.0) -> Iterator[Task]:
    while (task := queues.take(now)) is not None:
        yield task


def _queues(cpu: int, **millis: int) -> Queues:
    queues = Queues(cpu, MEMORY)
    for uid, each in millis.items():
        queues.define(define("/bin/true", uid=uid, cpu_millis=each))
        queues.add(queues.jobs[uid], [(0, 99)], [], [], 0)
    return queues


def test_jobs_share_what_there_is() -> None:
    started = list(_drain(_queues(6000, a=1000, b=1000, c=2000)))
    used = {
        uid: sum(task.define.cpu_millis for task in started if task.define.uid == uid)
        for uid in "abc"
    }
    assert used == {"a": 2000, "b": 2000, "c": 2000}


def test_a_task_that_does_not_fit_is_passed_for_a_while_then_waited_for() -> None:
    queues = _queues(2000, small=1000)
    running = list(_drain(queues))
    queues.define(define("/bin/true", uid="big", cpu_millis=2000))
    queues.add(queues.jobs["big"], [(0, 0)], [], [], 0)
    queues.finish(running.pop())
    (small,) = _drain(queues, now=1.0)
    assert small.define.uid == "small"
    running.append(small)
    for _ in range(2):
        queues.finish(running.pop())
        started = queues.take(1.0 + PATIENCE_SECONDS)
    assert started is not None
    assert started.define.uid == "big"


def test_a_higher_priority_starts_first() -> None:
    queues = _queues(2000, low=1000)
    queues.define(define("/bin/true", uid="high", cpu_millis=1000))
    queues.add(queues.jobs["high"], [(0, 2)], [], [], 0, priority=5)
    assert [task.define.uid for task in _drain(queues)] == ["high", "high"]


def test_jobs_take_turns_at_a_slot_that_only_one_of_them_fits() -> None:
    queues = _queues(1000, long=1000, small=250)
    started = []
    for _ in range(6):
        running = list(_drain(queues))
        started.append(running[0].define.uid)
        for task in running:
            queues.finish(task)
    assert started == ["long", "small"] * 3


def test_namespaces_take_turns_whatever_the_number_of_their_jobs() -> None:
    queues = Queues(1000, MEMORY)
    for uid, namespace in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")):
        queues.define(define("/bin/true", uid=uid, namespace=namespace, cpu_millis=1000))
        queues.add(queues.jobs[uid], [(0, 9)], [], [], 0)
    started = []
    for _ in range(12):
        (task,) = _drain(queues)
        started.append(task.define.uid)
        queues.finish(task)
    assert [uid[0] for uid in started] == ["a", "b"] * 6
    assert {uid: started.count(uid) for uid in ("a1", "a2", "a3")} == {"a1": 2, "a2": 2, "a3": 2}


def test_a_task_that_cannot_fit_for_long_holds_the_others_up_only_for_a_while() -> None:
    queues = _queues(2000, endless=1000)
    next(_drain(queues))
    queues.drop(queues.jobs["endless"], None)
    for uid, millis in (("big", 2000), ("small", 500)):
        queues.define(define("/bin/true", uid=uid, cpu_millis=millis))
        queues.add(queues.jobs[uid], [(0, 99)], [], [], 0)
    first = list(_drain(queues))
    assert [task.define.uid for task in first] == ["small", "small"]
    queues.finish(first.pop())
    assert queues.take(PATIENCE_SECONDS) is None
    assert queues.take(PATIENCE_SECONDS + HOLD_SECONDS - 0.1) is None
    after = queues.take(PATIENCE_SECONDS + HOLD_SECONDS)
    assert after is not None
    assert after.define.uid == "small"


def _busy(waiting: int, **changes: object) -> tuple[Queues, list[Task]]:
    """Three slots that run, and so many tasks of the same job behind them."""
    queues = Queues(CPU, MEMORY)
    queues.define(define("/bin/true", **changes))
    queues.add(queues.jobs[UID], [(0, waiting + 2)], [], [], 0)
    return queues, list(_drain(queues))


def test_a_task_ahead_takes_the_place_of_one_that_ends() -> None:
    queues, running = _busy(8)
    (task,) = queues.take_ahead(running[0].define, 1, 2)
    assert queues.jobs[UID].queued_ranges() == [(3, 10)]
    queues.finish(running[0])
    queues.follow(task)
    job = queues.jobs[UID]
    assert (job.queued_ranges(), job.running_ranges()) == ([(4, 10)], [(1, 3)])
    assert queues.free_millis == 0


def test_the_last_tasks_are_not_taken_ahead() -> None:
    queues, running = _busy(7)
    assert len(queues.take_ahead(running[0].define, 10, 4)) == 1
    queues, running = _busy(3)
    assert not queues.take_ahead(running[0].define, 10, 4)


def test_nothing_is_taken_ahead_of_another_job_that_waits() -> None:
    queues, running = _busy(8)
    queues.define(define("/bin/true", uid="other"))
    queues.add(queues.jobs["other"], [(0, 0)], [], [], 0)
    assert not queues.take_ahead(running[0].define, 1, 1)


def test_what_is_given_back_goes_first_and_what_was_recalled_not_at_all() -> None:
    queues, running = _busy(8)
    first, second = queues.take_ahead(running[0].define, 2, 1)
    assert queues.drop(queues.jobs[UID], [(0, 3), (9, 20)]) == [first]
    assert queues.give_back(second)
    assert not queues.give_back(first)
    queues.finish(running[0])
    assert [task.index for task in _drain(queues)] == [4]
    assert queues.jobs[UID].queued_ranges() == [(5, 8)]


def test_an_index_that_is_ahead_is_not_queued_again() -> None:
    queues, running = _busy(8)
    (task,) = queues.take_ahead(running[0].define, 1, 1)
    queues.add(queues.jobs[UID], [(0, 10)], [], [], 0)
    queues.drop(queues.jobs[UID], [(4, 10)])
    assert not queues.waiting
    assert queues.give_back(task)
    assert queues.jobs[UID].queued_ranges() == [(3, 3)]
