"""How programs are found and what they are started with, on real processes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from distributedjob_api import task_reasons
from distributedjob_api.messages import Define
from distributedjob_worker.core.queues import Task
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.execution.capture import TAIL_BYTES
from distributedjob_worker.execution.launch import Launcher
from distributedjob_worker.execution.scratch import ScratchPool
from tests.support.worker_driver import define

Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs one task of a job to its end."""

    def to_end(job: Define, **pool: str) -> Outcome:
        launcher = Launcher("node", "mark", ScratchPool(tmp_path / "scratch"), pool)
        started = launcher.start(Task(job, 0, 0, None))
        if isinstance(started, Outcome):
            return started
        os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
        return launcher.end(started)

    return to_end


def test_the_pools_variables_reach_tasks_as_they_are(run: Run) -> None:
    bytes_of_latin_1 = os.fsdecode("Zoë".encode("latin-1"))
    done = run(define("/bin/sh", "-c", 'printf %s "$WHO"'), WHO=bytes_of_latin_1)
    assert (done.reason, done.stdout) == ("", b"Zo\xeb")


def test_why_a_start_failed_is_text_of_bounded_length(run: Run) -> None:
    script = "echo a line of a script that was taken for a program; " * 1000
    done = run(define(script), PATH=os.fsdecode(b"/opt/Zo\xeb"))
    assert done.reason == task_reasons.NOT_FOUND
    assert len(done.tail.encode()) <= TAIL_BYTES
    assert "is not in PATH (/opt/Zo\N{REPLACEMENT CHARACTER})" in done.tail


def test_a_relative_part_of_path_is_relative_to_the_working_directory(
    run: Run, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "tool"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    job = define("tool", env=[("PATH", "bin:/usr/bin:/bin")], working_dir=str(tmp_path))
    assert run(job).stdout == b"found\n"
