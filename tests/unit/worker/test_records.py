"""The journal's messages: many records in one, none that waits for long."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api.messages import Cancel, Command, JournalBatch, Return, TaskRecord
from distributedjob_worker.core.effects import Journal, Publish, Store
from distributedjob_worker.core.records import BATCH_BYTES, WAIT_SECONDS, Records
from distributedjob_worker.core.results import Batch
from distributedjob_worker.core.worker import Worker
from tests.support.worker_core import IDENTITY, a_worker, command, granted, run
from tests.support.worker_driver import UID, assign, define


def ended(*indexes: int, uid: str = "u", run: int = 0, wrote: int = 0) -> Batch:
    records = [
        TaskRecord(index, 1, 0.0, 0.0, "", 0, 0, b"x" * wrote, b"", wrote, 0) for index in indexes
    ]
    return Batch(define("/bin/true", uid=uid, run=run), records=records)


def busy(uid: str) -> bool:
    return True


def idle(uid: str) -> bool:
    return False


def indexes(messages: list[JournalBatch]) -> list[list[int]]:
    return [[record.index for record in message.records] for message in messages]


def test_what_ends_within_a_second_shares_a_message():
    records = Records("node")
    records.add(ended(0, 1), 10.0)
    records.add(ended(2), 10.9)
    assert records.due() == 10.0 + WAIT_SECONDS
    assert records.take(10.9, busy) == []
    (message,) = records.take(11.0, busy)
    assert (message.uid, message.run, message.node) == ("u", 0, "node")
    assert indexes([message]) == [[0, 1, 2]]
    assert records.due() == float("inf")


def test_jobs_and_runs_have_messages_of_their_own_each_with_its_second():
    records = Records("node")
    records.add(ended(0), 10.0)
    records.add(ended(1, run=1), 10.2)
    records.add(ended(2, uid="v"), 10.4)
    records.add(ended(3), 10.6)
    assert indexes(records.take(11.0, busy)) == [[0, 3]]
    assert records.due() == 10.2 + WAIT_SECONDS
    assert indexes(records.take(11.4, busy)) == [[1], [2]]


def test_a_job_of_which_nothing_is_left_here_does_not_wait():
    records = Records("node")
    records.add(ended(0), 10.0)
    records.add(ended(1, uid="v"), 10.0)
    assert indexes(records.take(10.0, lambda uid: uid == "v")) == [[0]]
    assert indexes(records.take(11.0, busy)) == [[1]]


def test_what_is_full_does_not_wait():
    records = Records("node")
    records.add(ended(0, 1, 2, wrote=BATCH_BYTES // 2), 10.0)
    assert records.due() < 10.0
    assert indexes(records.take(10.0, busy)) == [[0], [1]]
    assert indexes(records.take(10.0, idle)) == [[2]]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, BATCH_BYTES + 9)), max_size=30))
def test_no_record_is_lost_and_no_message_is_larger_than_it_may_be(tasks):
    records = Records("node")
    for index, (job, wrote) in enumerate(tasks):
        records.add(ended(index, uid=str(job), wrote=wrote), index / 10)
    messages = records.take(0.0, busy) + records.take(99.0, idle)
    assert sorted(chain.from_iterable(indexes(messages))) == list(range(len(tasks)))
    for message in messages:
        wrote = sum(len(record.stdout) for record in message.records)
        assert wrote <= BATCH_BYTES or len(message.records) == 1


def test_without_a_journal_nothing_is_kept():
    records = Records("node", kept=False)
    records.add(ended(0, wrote=BATCH_BYTES), 10.0)
    assert (records.take(99.0, idle), records.due()) == ([], float("inf"))


# -- as a worker sends them --------------------------------------------------------


def test_records_wait_for_others_but_not_for_the_next_report() -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    run(worker, 3)
    assert not any(isinstance(effect, Journal) for effect in worker.report(2.0))
    worker.report(2.5)
    assert worker.due() == 3.0
    (effect,) = worker.tick(3.0)
    assert isinstance(effect, Journal)
    assert [record.index for record in effect.batch.records] == [0, 1, 2]
    assert worker.due() == 3.5


@pytest.mark.parametrize("left", [Cancel(3, UID, []), Return(3, UID, [(3, 9)])])
def test_records_leave_with_the_report_after_which_nothing_of_the_job_is_left(
    left: Command,
) -> None:
    worker = a_worker()
    command(worker, define("/bin/true"), assign((0, 9)))
    run(worker, 3)
    worker.report(2.0)
    command(worker, left, now=2.0)
    effects = worker.report(2.1)
    (journal,) = [effect for effect in effects if isinstance(effect, Journal)]
    assert len(journal.batch.records) == 3


def test_a_worker_without_a_journal_sends_it_nothing() -> None:
    worker = granted(Worker(IDENTITY, journals=False))
    command(worker, define("/bin/true"), assign((0, 0)))
    run(worker, 1)
    assert [type(effect) for effect in worker.report(2.0)] == [Store, Publish]
