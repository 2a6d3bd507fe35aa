"""What lasts is told once, for each reason that it had."""

import pytest

from distributedjob_operator.troubles import Troubles


def test_each_reason_is_told_once_while_it_lasts_and_again_the_next_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    troubles = Troubles()
    for reason in ("refused", "no right", "refused", "no right"):
        troubles.note("jobs cannot be listed", reason)
    assert len(caplog.records) == 2
    assert troubles.oldest == "jobs cannot be listed: no right"

    troubles.over("jobs cannot be listed")
    assert troubles.oldest == ""
    troubles.note("jobs cannot be listed", "refused")
    assert len(caplog.records) == 3
