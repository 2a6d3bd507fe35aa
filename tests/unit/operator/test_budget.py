"""Status writes stay within a budget, and those that matter most go first."""

from typing import Any

import pytest

from distributedjob_operator.core import checkpoints
from distributedjob_operator.core.budget import (
    BURST_BYTES,
    BYTES_A_SECOND,
    MOST_UNDER_WAY,
    WRITES_A_SECOND,
    Haste,
    WriteBudget,
    WriteQueue,
)
from distributedjob_operator.core.effects import WriteStatus
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import seconds_to_next, settle
from tests.support.builders import a_job, at


def written(budget: WriteBudget, *, urgent: bool, size: int, seconds: float) -> int:
    """How many writes leave in so long a time if there is always one to write."""
    now, count = 0.0, 0
    while now < seconds:
        budget.take(size, now, urgent=urgent)
        count += 1
        now = max(now, budget.ready_at(urgent=urgent))
    return count


@pytest.mark.parametrize(
    ("urgent", "size", "rate"),
    [
        pytest.param(False, 3_000, 20, id="progress"),
        pytest.param(True, 3_000, 200, id="first and last"),
        pytest.param(True, 512 * 1024, 2, id="large objects"),
    ],
)
def test_the_rate_is_kept_over_time(urgent: bool, size: int, rate: int):
    burst = rate if size < 10_000 else BURST_BYTES / size
    count = written(WriteBudget(), urgent=urgent, size=size, seconds=60)
    assert count == pytest.approx(60 * rate + burst, abs=3)


def test_progress_of_some_does_not_hold_up_the_end_of_others():
    budget = WriteBudget()
    while budget.ready_at(urgent=False) <= 0:
        budget.take(3_000, 0.0, urgent=False)
    assert budget.ready_at(urgent=True) <= 0


def test_a_pause_earns_no_more_than_a_burst():
    budget = WriteBudget()
    budget.take(1, 0.0, urgent=True)
    budget.take(int(BURST_BYTES + BYTES_A_SECOND), 3600.0, urgent=True)
    assert budget.ready_at(urgent=True) == pytest.approx(3601.0)


def a_leader(jobs: int) -> Leader:
    leader = Leader(5, "me", "ns/name")
    leader.take_over([], [], at(0))
    for number in range(jobs):
        leader.job_seen(a_job(f"j{number}"), at(0))
    return leader


def writes(leader: Leader, now: float) -> list[Any]:
    settle(leader, at(now))
    return [effect for effect in leader.take_effects() if isinstance(effect, WriteStatus)]


def answered(leader: Leader, now: float) -> list[str]:
    """The jobs that are written at a moment by an API server that answers at once."""
    uids = []
    while under_way := writes(leader, now):
        for one in under_way:
            uids.append(one.uid)
            checkpoints.written(leader, one.uid, "2", one.marks, at(now))
    return uids


def test_many_jobs_at_once_are_written_in_time_and_without_a_busy_loop():
    leader = a_leader(1000)
    now, uids, rounds = 0.0, answered(leader, 0.0), 0
    assert len(uids) == WRITES_A_SECOND
    while len(uids) < 200:
        pause = seconds_to_next(leader, at(now))
        assert pause > 0
        now += pause
        rounds += 1
        uids += answered(leader, now)
    assert len(set(uids)) == 200
    assert now == pytest.approx((200 - WRITES_A_SECOND) / WRITES_A_SECOND, abs=0.1)
    assert rounds <= 1000


def test_the_end_of_a_job_is_written_before_the_progress_of_others():
    leader = a_leader(3)
    writes(leader, 0.0)
    for job in leader.jobs.values():
        job.writing, job.dirty, job.urgent, job.written_at = False, True, False, -10.0
    leader.job_seen(a_job("new", cancel=True), at(5))
    assert next(iter(writes(leader, 5.0))).name == "new"


def test_the_end_of_a_job_is_written_before_others_are_seen_to_begin():
    leader = a_leader(100)
    for job in leader.jobs.values():
        job.touch(urgent=True)
    leader.job_seen(a_job("new", cancel=True), at(1))
    assert writes(leader, 1.0)[0].name == "new"


def test_what_the_tasks_of_a_job_wait_for_is_written_as_soon_as_an_end():
    leader = a_leader(100)
    for job in leader.jobs.values():
        job.touch(urgent=True)
    once = a_job("once", backoffLimitPerIndex=0, interruptionLimit=0)
    leader.job_seen(once, at(1))
    assert writes(leader, 1.0)[0].name == "once"


def drained(queue: WriteQueue, budget: WriteBudget, now: float) -> list[str]:
    """What may be written at a moment, each of a small object and answered at once."""
    uids = []
    while (uid := queue.pop(budget, now)) is not None:
        budget.take(3_000, now, urgent=uid.startswith("end"))
        queue.answered(uid)
        uids.append(uid)
    return uids


def test_no_more_jobs_are_looked_at_than_may_be_written_and_the_longest_waiting_first():
    queue, budget = WriteQueue(), WriteBudget()
    for number in range(50):
        queue.want(f"j{number:02}", 1.0 - number / 100, Haste.PROGRESS)
    queue.want("end", 1.0, Haste.END)
    assert drained(queue, budget, 1.0) == ["end", *(f"j{n}" for n in range(49, 29, -1))]
    assert queue.due_at(budget) == pytest.approx(1.0 + 1 / WRITES_A_SECOND)
    assert drained(queue, budget, 1.5) == [f"j{n}" for n in range(29, 19, -1)]


def test_what_is_wanted_otherwise_is_written_so_or_not_at_all():
    queue, budget = WriteQueue(), WriteBudget()
    queue.want("a", 0.0, Haste.PROGRESS)
    queue.want("end of b", 5.0, Haste.END)
    queue.want("end of a", 5.0, Haste.END)
    queue.drop("a")
    queue.want("end of b", float("-inf"), Haste.END)
    assert drained(queue, budget, 5.0) == ["end of b", "end of a"]
    assert queue.due_at(budget) == float("inf")


def test_progress_of_running_jobs_keeps_no_other_job_from_its_first_write():
    leader = a_leader(60)
    uids: set[str] = set()
    for second in range(8):
        for number in range(30):
            # Of half of them something changes all the time.
            job = leader.jobs[f"uid-j{number}"]
            job.touch()
            leader.awake[job.uid] = job
        uids.update(answered(leader, float(second)))
    assert len(uids) == 60


def test_a_slow_api_server_gets_no_queue_and_whatever_ends_goes_first():
    queue, budget = WriteQueue(), WriteBudget()
    for number in range(50):
        for haste in reversed(Haste):
            queue.want(f"{haste.name} {number}", number / 50, haste)
    under_way = [queue.pop(budget, 1.0) for _ in range(MOST_UNDER_WAY[Haste.PROGRESS])]
    # However many end, one of the others goes on.
    assert [str(uid).split()[0] for uid in under_way] == [
        *["END"] * MOST_UNDER_WAY[Haste.END],
        *["BEGINNING"] * (MOST_UNDER_WAY[Haste.BEGINNING] - MOST_UNDER_WAY[Haste.END]),
        *["PROGRESS"] * (MOST_UNDER_WAY[Haste.PROGRESS] - MOST_UNDER_WAY[Haste.BEGINNING]),
    ]
    assert queue.pop(budget, 1.0) is None
    assert queue.due_at(budget) == float("inf")
    queue.answered("END 0")
    assert queue.due_at(budget) <= 1.0
    assert queue.pop(budget, 1.0) == "END 12"


def test_each_answer_lets_another_job_be_written_and_so_does_a_job_that_is_gone():
    leader = a_leader(40)
    for job in leader.jobs.values():
        job.touch(urgent=True)
    most = MOST_UNDER_WAY[Haste.BEGINNING]
    under_way = writes(leader, 1.0)
    assert len(under_way) == most
    assert not writes(leader, 9.0)
    checkpoints.written(leader, under_way[0].uid, "2", {}, at(9.0))
    checkpoints.not_written(leader, under_way[1].uid, None, at(9.0))
    leader.job_gone(under_way[2].uid)
    assert len(writes(leader, 9.0)) == 3
