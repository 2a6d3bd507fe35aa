"""Ctrl-C, once or more often: everything that was started ends, and the user is told."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from distributedjob_local.component import Component, Setting
from distributedjob_local.interrupts import ENDING, STILL_ENDING
from distributedjob_local.records import Record
from distributedjob_local.state import StateDirectory
from tests.support.jobs import marked
from tests.support.waiting import wait_until

LOCAL = [sys.executable, "-m", "distributedjob_cli", "local"]
STUBBORN_JOB = """
apiVersion: distributedjob.dev/v1alpha1
kind: DistributedJob
metadata: {{name: stubborn}}
spec:
  completions: 1
  template:
    command: [sh, -c, "trap '' TERM; touch {runs}; sleep 300; sleep 300"]
    terminationGracePeriodSeconds: 3
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The place for temporary files; its path marks every process that is started."""
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts commands as a terminal would, and afterwards leaves none of theirs."""
    started: list[subprocess.Popen[str]] = []

    def begin(*command: str) -> subprocess.Popen[str]:
        log = (tmp_path / "log").open("w", encoding="utf-8")
        with log:
            process = subprocess.Popen(
                command,
                env={**os.environ, "TMPDIR": str(home)},
                stdout=subprocess.DEVNULL,
                stderr=log,
                text=True,
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
    for pid in left(home):
        os.kill(pid, signal.SIGKILL)


def left(home: Path) -> list[int]:
    return marked(f"TMPDIR={home}")


def said(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text(encoding="utf-8").splitlines()


def wait_said(tmp_path: Path, line: str) -> None:
    wait_until(lambda: said(tmp_path), lambda lines: line in lines, 60, f"it says {line!r}")


def test_a_process_is_recorded_when_its_start_returns(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")
    state.create()
    sleeper = Component(Setting(state, attended=True), "sleeper", 0, ["/bin/sleep", "60"], bool)
    try:
        for _ in range(2):
            sleeper.start()
            assert Record.read(sleeper.record).identity == sleeper.identity
            sleeper.kill()
    finally:
        sleeper.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_what_it_started_however_often_it_is_asked(
    start: Start, home: Path, tmp_path: Path, number: signal.Signals
) -> None:
    state = StateDirectory(tmp_path / "state")
    up = start(*LOCAL, "up", f"--state-dir={state.root}", "--nodes=1")
    wait_until(lambda: left(home), lambda pids: len(pids) > 1, 60, "processes")
    up.send_signal(number)
    wait_said(tmp_path, ENDING)
    up.send_signal(number)

    assert up.wait(60) == 128 + number
    assert left(home) == []
    assert list(state.records.iterdir()) == []
    assert set(said(tmp_path)) <= {ENDING, STILL_ENDING}


def test_run_ends_tasks_that_do_not_want_to_however_often_it_is_asked(
    start: Start, home: Path, tmp_path: Path
) -> None:
    file, runs = tmp_path / "job.yaml", tmp_path / "runs"
    file.write_text(STUBBORN_JOB.format(runs=runs), encoding="utf-8")
    run = start(*LOCAL, "run", f"--filename={file}", "--nodes=1")
    wait_until(runs.exists, bool, 60, "the task runs")
    run.send_signal(signal.SIGINT)
    wait_said(tmp_path, ENDING)
    run.send_signal(signal.SIGINT)
    wait_said(tmp_path, STILL_ENDING)
    run.send_signal(signal.SIGTERM)

    assert run.wait(60) == 130
    assert left(home) == []
    assert marked(f"touch {runs}") == []
    assert list(home.iterdir()) == []
    assert not any(re.search("Traceback", line) for line in said(tmp_path))
