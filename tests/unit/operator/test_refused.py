"""Messages that make no sense are counted, and fill neither the log nor the memory."""

import logging

import pytest

from distributedjob_operator import refused
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.refused import TELL_SECONDS, Cause, Refused
from tests.support.builders import at


class Hands:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Instant:
        return at(self.seconds)


def test_a_flood_is_counted_whole_and_told_once_in_a_while(caplog: pytest.LogCaptureFixture):
    clock = Hands()
    noted = Refused(clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            noted.note("djob.v1.a.leader.n1", Cause.MALFORMED, "not a worker's message")
        assert len(caplog.records) == 1
        noted.note("djob.v1.a.leader.n2", Cause.MALFORMED, "not a worker's message")
        clock.seconds = TELL_SECONDS
        noted.note("djob.v1.a.leader.n1", Cause.SUBJECT, "no worker sends on it")
    assert len(caplog.records) == 3
    assert noted.counts == {Cause.MALFORMED: 1001, Cause.SUBJECT: 1}


def test_as_many_subjects_as_somebody_likes_take_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(refused, "REMEMBERED_SUBJECTS", 10)
    noted = Refused(Hands())
    for number in range(100):
        noted.note(f"subject.{number}", Cause.SUBJECT, "no worker sends on it")
    assert len(noted._told) == 10
    assert noted.counts[Cause.SUBJECT] == 100
