"""A user without a home directory is told so in one line, and only where one is needed."""

import os
import pwd
from pathlib import Path
from typing import NoReturn

import pytest

from distributedjob_cli.__main__ import run
from distributedjob_local.programs import EVERYTHING, find_programs
from distributedjob_local.progress import Progress
from distributedjob_local.state import StateDirectory, default_state_directory


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and a user id that the system does not know."""

    def unknown(uid: int) -> NoReturn:
        raise KeyError(uid)

    for name in ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    "command",
    [
        ["local", "status"],
        ["local", "up"],
        ["local", "down"],
        ["local", "down", "--state-dir=~/x"],
        ["output", "job"],
    ],
    ids=" ".join,
)
def test_what_needs_a_home_says_so(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["djob", *command]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "home directory" in line


@pytest.mark.usefixtures("nobody")
def test_programs_of_the_assets_need_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in EVERYTHING:
        program = tmp_path / name
        program.touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    assert find_programs(EVERYTHING, Progress()).keys() == EVERYTHING


def test_an_empty_home_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "")

    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert default_state_directory() == home / ".local/state/distributedjobs/local"


@pytest.mark.parametrize("command", ["status", "down"])
def test_a_directory_one_may_not_look_into_is_named(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "state"
    mark = StateDirectory(root).mark
    exists = Path.exists

    def forbidden(path: Path) -> bool:
        if path == mark:
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    monkeypatch.setattr(Path, "exists", forbidden)

    assert run(["djob", "local", command, f"--state-dir={root}"]) == 1
    said = capsys.readouterr().err
    assert said == f"djob: cannot look into {root}: Permission denied\n"
