"""``djob local``: a cluster comes, says how it is, and goes without a trace."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from distributedjob_local.lifecycle import take_down
from distributedjob_local.records import Record, read_records
from distributedjob_local.state import StateDirectory
from tests.support.tasks import Mark
from tests.support.waiting import wait_until

DJOB = [sys.executable, "-m", "distributedjob_cli", "local"]
EMPTY = ["--nodes=0", "--operators=0"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateDirectory]:
    made = StateDirectory(tmp_path / "state")
    yield made
    take_down(made, purge=True)


def djob(state: StateDirectory, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    home = state.root.parent / "home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [*DJOB, command, f"--state-dir={state.root}", *options],
        env={**os.environ, "TMPDIR": str(home), "XDG_STATE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def child(parent: int) -> int:
    """The pid of a process's only child, or 0 while there is none."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            return int(stat.parent.name)
    return 0


def alive(records: list[Record]) -> list[str]:
    return [record.name for record in records if record.identity.alive]


def test_up_status_and_down_leave_nothing_behind(state: StateDirectory) -> None:
    up = djob(state, "up", *EMPTY)
    assert up.returncode == 0, up.stderr
    assert str(state.kubeconfig) in up.stdout
    records = read_records(state.records)
    assert alive(records) == ["etcd", "kube-apiserver", "nats-server"]
    assert djob(state, "status").returncode == 0

    got = subprocess.run(
        [
            state.programs / "kubectl",
            f"--kubeconfig={state.kubeconfig}",
            "get",
            "ns",
            "djob-system",
        ],
        capture_output=True,
        check=False,
    )
    assert got.returncode == 0, got.stderr

    again = djob(state, "up", *EMPTY)
    assert again.returncode == 0
    assert read_records(state.records) == records

    assert djob(state, "down", "--purge").returncode == 0
    assert alive(records) == []
    assert not state.root.exists()
    assert list((state.root.parent / "home").iterdir()) == []


def test_operators_and_workers_that_die_come_back_and_down_ends_them_and_their_tasks(
    state: StateDirectory,
) -> None:
    up = djob(state, "up", "--nodes=1")
    assert up.returncode == 0, up.stderr
    records = read_records(state.records)
    assert [record.name for record in records[-2:]] == ["operator-1", "worker-1"]
    before = [child(record.identity.pid) for record in records[-2:]]
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    for record, old in zip(records[-2:], before, strict=True):
        found = partial(child, record.identity.pid)
        wait_until(found, lambda pid, old=old: pid not in (0, old), 30, f"another {record.name}")

    mark, ledger = Mark(), state.root.parent / "ledger"
    manifest = {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {"name": "stubborn"},
        "spec": {
            "completions": 1,
            "template": {
                "command": ["sh", "-c", f"trap '' TERM; echo >> {ledger}; sleep 300; sleep 300"],
                "env": mark.env,
                "terminationGracePeriodSeconds": 1,
            },
        },
    }
    subprocess.run(
        [state.programs / "kubectl", f"--kubeconfig={state.kubeconfig}", "apply", "-f", "-"],
        input=json.dumps(manifest).encode(),
        check=True,
        capture_output=True,
    )
    wait_until(ledger.exists, bool, 30, "the task runs")
    assert djob(state, "status").returncode == 0

    children = [child(record.identity.pid) for record in records[-2:]]
    assert djob(state, "down").returncode == 0
    assert alive(records) == []
    assert mark.processes == []
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert list((state.root.parent / "home").iterdir()) == []


def test_a_dead_component_shows_and_the_next_up_heals_it_with_its_data(
    state: StateDirectory,
) -> None:
    assert djob(state, "up", *EMPTY).returncode == 0
    kubectl = [state.programs / "kubectl", f"--kubeconfig={state.kubeconfig}"]
    subprocess.run([*kubectl, "create", "namespace", "kept"], check=True, capture_output=True)
    etcd = read_records(state.records)[0]
    etcd.identity.signal(signal.SIGKILL)
    etcd.identity.wait(10)

    status = djob(state, "status")
    assert status.returncode == 1
    assert "etcd" in status.stdout

    again = djob(state, "up", *EMPTY)
    assert again.returncode == 0
    assert "ended by itself: etcd; starting everything again" in again.stderr
    assert djob(state, "status").returncode == 0
    subprocess.run([*kubectl, "get", "namespace", "kept"], check=True, capture_output=True)


def test_files_that_are_no_records_are_named_and_down_removes_them(state: StateDirectory) -> None:
    state.create()
    garbage = state.records / "etcd.json"
    for path, text in ((state.settings, "[]"), (garbage, ""), (garbage, '{"pid": -1}')):
        path.write_text(text, encoding="utf-8")
        for command in ("status", "up"):
            said = djob(state, command)
            assert (said.returncode, len(said.stderr.splitlines())) == (1, 1)
            assert str(path) in said.stderr
        down = djob(state, "down")
        assert (down.returncode, down.stdout) == (0, "Nothing was running.\n")
        assert not path.exists()


def test_killing_the_starter_leaves_nothing_that_down_does_not_end(state: StateDirectory) -> None:
    with subprocess.Popen([*DJOB, "up", f"--state-dir={state.root}", *EMPTY]) as starter:
        records = wait_until(
            lambda: read_records(state.records), lambda found: bool(found), 60, "a first process"
        )
        starter.kill()
    assert not state.settings.exists()

    assert djob(state, "down").returncode == 0

    assert alive(records) == []
    assert read_records(state.records) == []


def test_an_attended_cluster_ends_with_its_starter(state: StateDirectory) -> None:
    script = (
        "import sys, signal; from pathlib import Path; from tests.support import servers\n"
        "servers.new_control_plane(Path(sys.argv[1])).start(); print('ready', flush=True)\n"
        "signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, state.root], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "ready\n"
        records = read_records(state.records)
        starter.kill()

    wait_until(lambda: alive(records), lambda names: not names, 20, "processes end")


@pytest.mark.parametrize(
    "options",
    [("up", "--nodes=-1"), ("up", "--cpus=many"), ("run", "-f", "missing.yaml"), ("sideways",)],
    ids=["a negative count", "no quantity", "no such file", "no such command"],
)
def test_bad_input_is_one_line_and_exit_code_2(options: tuple[str, ...]) -> None:
    done = subprocess.run([*DJOB, *options], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
