"""A watch that has died unnoticed: the relist finds out and has it started anew."""

from collections.abc import Callable
from pathlib import Path

import pytest

from distributedjob_local.cluster import Cluster
from tests.support.crash_points import CrashPoints
from tests.support.jobs import Jobs, lines
from tests.support.waiting import wait_until


def test_a_job_that_the_watch_missed_runs_and_the_watch_is_started_anew(
    cluster: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    watches = CrashPoints(tmp_path / "patch", monkeypatch).deaf_watch(relist_seconds=1.0)
    running = cluster(nodes=1)
    jobs = Jobs(running, "default")
    jobs.apply("missed", ["true"], completions=3)
    jobs.wait_phase("missed", "Complete")
    wait_until(lambda: lines(watches), lambda begun: len(begun) > 1, 30, "the watch begins anew")
    jobs.apply("heard", ["true"], completions=3)
    jobs.wait_phase("heard", "Complete")
