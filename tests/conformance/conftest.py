"""The suite's table at the end of the run, and what its tests share."""

from pathlib import Path

import pytest

from tests.conformance import table
from tests.support.crash_points import CrashPoints
from tests.support.jobs import Jobs
from tests.support.transitions import Watch


@pytest.fixture
def watch(jobs: Jobs) -> Watch:
    """Every version of the jobs of a fresh namespace on the shared cluster."""
    return Watch.begin(jobs)


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrashPoints:
    """Where the operators of a test die; say so before the cluster is started."""
    return CrashPoints(tmp_path / "points", monkeypatch)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each row of the table."""
    outcomes: dict[int, str] = {}
    for word in ("passed", "skipped", "failed", "error"):
        for report in terminalreporter.stats.get(word, ()):
            row = table.row_of(report.nodeid)
            if row is not None:
                outcomes[row] = word
    if outcomes:
        terminalreporter.section("conformance with batch/v1 Job")
        for line in table.lines(outcomes):
            terminalreporter.line(line)
