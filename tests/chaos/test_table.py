"""The table of rows, and what a run says where it is not possible."""

import os
import subprocess
import sys
from pathlib import Path

from tests.chaos.registry import ROWS
from tests.chaos.rows import load


def test_every_row_of_the_matrix_is_there():
    load()
    assert sorted(ROWS) == list(range(1, 41))
    assert all(row.title and row.injection and row.shows for row in ROWS.values())


def refused(*options: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    return done.stderr


def test_missing_tools_are_one_line(tmp_path: Path):
    said = refused(PATH=str(tmp_path))
    assert said.count("\n") == 1
    assert "install iproute2" in said


def test_a_row_that_does_not_exist_is_refused():
    assert "there is no row 41" in refused("--rows", "39-41")
