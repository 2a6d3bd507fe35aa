"""``djob local run``: a file of jobs in, their outcome out, nothing left running."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from distributedjob_local.records import Record
from tests.support.waiting import wait_until

JOB = """
apiVersion: distributedjob.dev/v1alpha1
kind: DistributedJob
metadata: {{name: {name}}}
spec:
  completions: 20
  backoffLimitPerIndex: 0
  template:
    command: [{program}]
    resources: {{requests: {{cpu: 500m}}}}
---
"""
SUCCEEDS = JOB.format(name="succeeds", program="/bin/true")
FAILS = JOB.format(name="fails", program="/bin/false")


def marked(mark: str) -> list[str]:
    """Command lines of the processes with this word in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_text(errors="replace"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("jobs", "code"),
    [(SUCCEEDS, 0), (SUCCEEDS + FAILS, 1)],
    ids=["all complete", "one fails"],
)
def test_the_exit_code_tells_whether_all_are_complete(jobs: str, code: int, tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text(jobs, encoding="utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    mark = f"TMPDIR={temporary}"

    done = subprocess.run(
        [sys.executable, "-m", "distributedjob_cli", "local", "run", "-f", file, "--nodes=1"],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stderr
    rows = {line.split()[1]: line.split()[2] for line in done.stdout.splitlines()[1:]}
    assert rows["succeeds"] == "Complete"
    assert rows.get("fails", "Failed") == "Failed"
    assert marked(mark) == []
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("server", ["etcd", "kube-apiserver", "nats-server"])
def test_a_server_that_dies_ends_the_run_in_one_line(server: str, tmp_path: Path) -> None:
    file, runs = tmp_path / "jobs.yaml", tmp_path / "runs"
    endless = JOB.format(name="endless", program=f'sh, -c, "touch {runs}; sleep 300"')
    file.write_text(endless, encoding="utf-8")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    log = tmp_path / "log"
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "distributedjob_cli", "local", "run", "-f", file, "--nodes=1"],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        ) as run,
    ):
        wait_until(runs.exists, bool, 60, "the task runs")
        # Stopped, it finds the server dead and, as may happen, what stood on it too.
        run.send_signal(signal.SIGSTOP)
        for name in (server, "operator-1"):
            (record,) = temporary.glob(f"djob-*/processes/{name}.json")
            Record.read(record).identity.signal(signal.SIGKILL)
        run.send_signal(signal.SIGCONT)
        assert run.wait(60) == 1

    said = log.read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert said.splitlines()[-1] == f"djob: {server} ended while jobs were running"
    assert marked(f"TMPDIR={temporary}") == []
