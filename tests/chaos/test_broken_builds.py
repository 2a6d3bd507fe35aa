"""The checker is checked: each build that lacks a safety is caught on a real run."""

from pathlib import Path

import pytest

from tests.chaos.broken import BROKEN, BrokenBuild
from tests.support.chaos_runs import run_chaos


@pytest.mark.parametrize("build", BROKEN, ids=[build.name for build in BROKEN])
def test_a_broken_build_is_caught(tmp_path: Path, build: BrokenBuild):
    environment = build.environment(tmp_path / "patch")
    run = run_chaos(tmp_path, str(build.row), 5, minutes=1, environment=environment)
    assert run.code == 1, run.output
    assert run.letters(build.row) & set(build.letters), run.output
