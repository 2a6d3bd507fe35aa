"""The wall clock that objects are compared with is the API server's."""

from datetime import UTC, datetime, timedelta

from distributedjob_operator import app
from distributedjob_operator.app import SystemClock

TRUE = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_machine_whose_clock_is_wrong_goes_by_the_api_servers(monkeypatch):
    monkeypatch.setattr(app, "_wall", lambda: TRUE + timedelta(hours=1))
    clock = SystemClock()
    clock.dated(TRUE)
    assert clock.now().wall == TRUE


def test_the_way_of_an_answer_is_no_skew(monkeypatch):
    monkeypatch.setattr(app, "_wall", lambda: TRUE)
    clock = SystemClock()
    clock.dated(TRUE - timedelta(seconds=1))
    assert clock.now().wall == TRUE


def test_a_clock_that_was_set_right_is_believed_again(monkeypatch):
    clock = SystemClock()
    monkeypatch.setattr(app, "_wall", lambda: TRUE - timedelta(minutes=5))
    clock.dated(TRUE)
    monkeypatch.setattr(app, "_wall", lambda: TRUE)
    clock.dated(TRUE)
    assert clock.now().wall == TRUE
