"""The journal's buffer: bounded, oldest first to go, sent again until stored."""

import pytest

from distributedjob_worker import journal as journal_module
from distributedjob_worker.journal import RETRY_SECONDS, Journal


def test_a_batch_is_sent_once_and_forgotten_when_stored() -> None:
    journal = Journal()
    journal.add("s", b"one")
    assert journal.due(0.0) == [(1, "s", b"one")]
    assert journal.due(0.1) == []
    journal.stored(1)
    assert not journal.pending
    assert journal.due(RETRY_SECONDS * 2) == []


def test_a_batch_without_an_answer_is_sent_again() -> None:
    journal = Journal()
    journal.add("s", b"one")
    journal.due(0.0)
    assert journal.due(RETRY_SECONDS) == [(1, "s", b"one")]


def test_a_batch_that_nobody_takes_makes_room() -> None:
    journal = Journal()
    journal.add("s", b"one")
    journal.due(0.0)
    journal.drop(1)
    assert not journal.pending
    assert journal.dropped == 1


def test_a_refusal_pauses_and_keeps_the_order() -> None:
    journal = Journal()
    journal.add("s", b"one")
    journal.add("s", b"two")
    journal.due(0.0)
    journal.refused(2, 0.0)
    journal.refused(1, 0.0)
    assert journal.due(RETRY_SECONDS / 2) == []
    assert [number for number, _, _ in journal.due(RETRY_SECONDS)] == [1, 2]


def test_the_oldest_go_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "BUFFER_BYTES", 10)
    journal = Journal()
    for number in range(5):
        journal.add("s", b"1234")
        assert journal.dropped == max(0, number - 1)
    assert [number for number, _, _ in journal.due(0.0)] == [4, 5]
