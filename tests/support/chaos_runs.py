"""Runs of the fault matrix as a command, and the reports they leave."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ChaosRun:
    """How a run ended, what it printed and what it reported."""

    code: int
    output: str
    report: dict[str, Any]

    def row(self, number: int) -> dict[str, Any]:
        """What is reported of a row."""
        found = [one for one in self.report["rows"] if one["number"] == number]
        assert found, self.output
        return dict(found[0])

    def letters(self, number: int) -> set[str]:
        """The invariants that a row violated."""
        return {one["letter"] for one in self.row(number)["violations"]}


def run_chaos(
    folder: Path, rows: str, seed: int, minutes: float, environment: Mapping[str, str] | None = None
) -> ChaosRun:
    """Run ``python -m tests.chaos`` to its end."""
    report = folder / "chaos.json"
    options = {"rows": rows, "seed": seed, "minutes": minutes, "report": report}
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *words],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout
    return ChaosRun(done.returncode, done.stdout, json.loads(report.read_text()))
