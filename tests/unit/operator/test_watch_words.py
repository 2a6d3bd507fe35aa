"""What kopf logs of every attempt, or with a traceback, is said once and in one line."""

import logging
from itertools import islice

import pytest

from distributedjob_operator.watch import Patience

KOPF = logging.getLogger("kopf.some.engine")


def test_each_thing_is_said_once_and_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    def denied(resource: str) -> None:
        try:
            raise RuntimeError(f"cannot watch\n{resource}", {"kind": "Status"})
        except RuntimeError as error:
            KOPF.error(f"Request attempt failed; will retry: {error!r}")
            KOPF.exception(f"Watcher has failed: {error}")

    for resource in ("jobs", "nodes", "jobs"):
        denied(resource)
    KOPF.error("of\nno exception")

    ours = [record for record in caplog.records if record.name.startswith("distributedjob")]
    assert [record.getMessage().rpartition(": ")[2] for record in ours] == [
        "cannot watch jobs",
        "cannot watch nodes",
        "of no exception",
    ]
    assert not any(record.exc_info for record in ours)


def test_it_tries_for_ever_and_never_rests_for_long() -> None:
    pauses = list(islice(Patience(), 1000))
    assert len(pauses) == 1000
    assert max(pauses) <= 2


def test_kopf_says_nothing_else() -> None:
    assert not logging.getLogger("kopf").propagate
