"""The state directory, and how large a cluster is."""

import errno
import os
from pathlib import Path

import pytest

from distributedjob_local.errors import LocalError
from distributedjob_local.size import Size
from distributedjob_local.state import StateDirectory


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    made = StateDirectory(tmp_path / "state")
    made.create()
    return made


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (Size(1, "2", 1), "1 node with 2 CPU, 1 operator"),
        (Size(0, "1", 2), "0 nodes with 1 CPU, 2 operators"),
    ],
)
def test_a_size_reads_well(size: Size, said: str) -> None:
    assert str(size) == said


def test_a_directory_with_other_files_is_neither_used_nor_purged(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine").touch()

    with pytest.raises(LocalError, match="files in it"):
        StateDirectory(tmp_path).create()

    assert (tmp_path / "data" / "mine").exists()


def test_purging_removes_only_what_was_made(state: StateDirectory) -> None:
    state.secret("token")
    (state.root / "notes").touch()

    state.purge()

    assert [path.name for path in state.root.iterdir()] == ["notes"]


def test_secrets_are_private_and_kept(state: StateDirectory) -> None:
    path = state.secret("token")
    text = path.read_text(encoding="utf-8")

    assert path.stat().st_mode & 0o777 == 0o600
    assert state.root.stat().st_mode & 0o777 == 0o700
    assert state.secret("token").read_text(encoding="utf-8") == text


def test_what_cannot_be_written_is_one_line(
    state: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", full)
    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(LocalError, match=r"cannot write .*/token: No space left on device"):
        state.secret("token")
    with pytest.raises(LocalError, match=r"cannot make .*/etcd: No space left on device"):
        state.data("etcd")
