"""The journal's buffer: bounded, oldest first to go, sent again until stored."""

import pytest

from distributedjob_worker import journal as journal_module
from distributedjob_worker.journal import RETRY_SECONDS, Condition, Journal


def a_journal(*texts: bytes) -> Journal:
    """One with these messages of three records each."""
    journal = Journal()
    for text in texts:
        journal.add("s", text, {"H": "0"}, 3)
    return journal


def sent(journal: Journal, now: float) -> list[tuple[int, bytes]]:
    return [(message.number, message.data) for message in journal.due(now)]


def test_a_message_is_sent_once_and_forgotten_when_stored() -> None:
    journal = a_journal(b"one")
    (message,) = journal.due(0.0)
    assert (message.number, message.subject, message.data) == (1, "s", b"one")
    assert message.headers == {"H": "0"}
    assert sent(journal, 0.1) == []
    journal.stored(1)
    assert not journal.pending
    assert sent(journal, RETRY_SECONDS * 2) == []


def test_a_message_without_an_answer_is_sent_again() -> None:
    journal = a_journal(b"one")
    sent(journal, 0.0)
    assert sent(journal, RETRY_SECONDS) == [(1, b"one")]
    assert journal.condition is Condition.WAITING


def test_a_message_that_nobody_takes_makes_room() -> None:
    journal = a_journal(b"one")
    sent(journal, 0.0)
    journal.drop(1)
    assert not journal.pending
    assert journal.dropped == 3


def test_a_refusal_pauses_and_keeps_the_order() -> None:
    journal = a_journal(b"one", b"two")
    sent(journal, 0.0)
    journal.refused(2, 0.0)
    journal.refused(1, 0.0)
    assert journal.condition is Condition.WAITING
    assert sent(journal, RETRY_SECONDS / 2) == []
    assert [number for number, _ in sent(journal, RETRY_SECONDS)] == [1, 2]
    journal.stored(1)
    assert journal.condition is Condition.STORING


def test_the_oldest_go_where_there_is_no_room_and_their_records_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_module, "BUFFER_BYTES", 10)
    journal = Journal()
    for number in range(5):
        journal.add("s", b"1234", {}, 3)
        assert journal.dropped == 3 * max(0, number - 1)
    assert [number for number, _ in sent(journal, 0.0)] == [4, 5]


def test_at_the_brim_its_condition_does_not_change_with_every_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_module, "BUFFER_BYTES", 10)
    journal = a_journal(b"1234", b"1234", b"1234")
    assert journal.condition is Condition.DROPPING
    sent(journal, 0.0)
    journal.refused(3, 0.0)
    assert journal.condition is Condition.DROPPING
    journal.add("s", b"12", {}, 3)
    journal.stored(2)
    assert journal.condition is Condition.DROPPING
    sent(journal, RETRY_SECONDS)
    journal.stored(3)
    assert journal.condition is Condition.STORING
