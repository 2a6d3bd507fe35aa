"""Ending what was started, and nothing else."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distributedjob_local.component import Component, Setting
from distributedjob_local.errors import ComponentDiedError, UnreadableStateError
from distributedjob_local.records import Identity, end, end_recorded, read_records
from distributedjob_local.state import StateDirectory

STUBBORN = """
import signal, sys, pathlib
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
signal.pause()
"""


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    made = StateDirectory(tmp_path / "state")
    made.create()
    return made


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        yield process
        process.kill()


def component(state: StateDirectory, name: str, *command: str | Path) -> Component:
    recorded = state.records / f"{name}.json"
    return Component(Setting(state, attended=True), name, 0, command, recorded.exists)


def test_a_reused_pid_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    identity = Identity.of(sleeper.pid)
    earlier = dataclasses.replace(identity, start_time=identity.start_time - 1)
    before_boot = dataclasses.replace(identity, boot="another")

    end([earlier, before_boot])

    assert not earlier.alive
    assert not before_boot.alive
    assert identity.alive


def test_a_process_that_ends_while_it_is_looked_at_is_no_error(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = Identity.of(sleeper.pid)
    read = Path.read_text

    def read_and_end(path: Path, *arguments: str, **options: str) -> str:
        text = read(path, *arguments, **options)
        sleeper.kill()
        sleeper.wait()
        return text

    monkeypatch.setattr(Path, "read_text", read_and_end)

    assert identity.alive
    assert not identity.alive


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": 0}', "\0"])
def test_a_file_that_is_no_record_is_named_and_never_in_the_way(
    state: StateDirectory, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    started = component(state, "sleeper", "/bin/sleep", "60")
    started.start()
    started.wait_ready(4)
    garbage = state.records / "garbage.json"
    garbage.write_text(text, encoding="utf-8")

    with pytest.raises(UnreadableStateError, match=str(garbage)):
        read_records(state.records)
    ended = end_recorded(state.records)

    assert [record.name for record in ended] == ["sleeper"]
    assert str(garbage) in capsys.readouterr().err
    assert list(state.records.iterdir()) == []


def test_a_component_sees_no_stray_setting(
    state: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJOB_NODE", "stray")
    monkeypatch.setenv("HTTPS_PROXY", "http://stray")
    monkeypatch.setenv("DJOB_LOG_LEVEL", "debug")
    monkeypatch.setenv("LC_ALL", "C")
    started = component(state, "env", "/usr/bin/env")
    started.environment = {"DJOB_POOL": "own"}
    started.start()
    assert started.identity is not None
    assert started.identity.wait(4)

    said = started.log.read_text(encoding="utf-8").splitlines()

    assert "stray" not in "".join(said)
    assert {"DJOB_LOG_LEVEL=debug", "LC_ALL=C", "DJOB_POOL=own"} <= set(said)
    assert (state.records / "env.json").stat().st_mode & 0o777 == 0o600


def test_what_is_recorded_is_found_and_ended_by_another_process(state: StateDirectory) -> None:
    started = component(state, "sleeper", "/bin/sleep", "60")
    started.start()
    started.wait_ready(4)

    ended = end_recorded(state.records)

    assert [record.identity for record in ended] == [started.identity]
    assert not started.alive
    assert read_records(state.records) == []


def test_a_process_that_ignores_the_request_is_killed(state: StateDirectory) -> None:
    ready = state.root / "ignoring"
    started = component(state, "stubborn", sys.executable, "-c", STUBBORN, ready)
    started.ready_file = ready
    started.ready = ready.exists
    started.start()
    started.wait_ready(4)

    started.stop(grace=0.1)

    assert not started.alive


def test_a_component_can_be_started_again(state: StateDirectory) -> None:
    started = component(state, "sleeper", "/bin/sleep", "60")
    started.start()
    first = started.pid
    started.kill()

    started.start()

    assert started.alive
    assert started.pid != first
    started.stop()


def test_a_death_during_the_start_shows_what_the_process_said(state: StateDirectory) -> None:
    started = component(state, "dying", "/bin/sh", "-c", "echo no such flag; exit 3")
    started.ready = lambda: False
    started.start()

    with pytest.raises(ComponentDiedError, match="no such flag"):
        started.wait_ready(4)
