"""A run leaves nothing: what it could not remove itself is removed, and the rest is told."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from distributedjob_local.errors import LocalError
from tests.e2e.nodes import cgroups
from tests.e2e.nodes.cluster import state_directory
from tests.e2e.scratch import PREFIX
from tests.e2e.teardown import leaving_nothing


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from what a run on this machine has at the moment."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(cgroups, "NAME", "djob-e2e-of-a-test")


def test_what_it_kept_in_folders_is_removed(tmp_path: Path) -> None:
    killed = tmp_path / "tmp" / f"{PREFIX}of-one-that-was-killed"
    killed.mkdir()
    root = state_directory().root

    with leaving_nothing(tmp_path / "store", machine=False):
        assert not killed.exists()
        (root / "data").mkdir(parents=True)
        (tmp_path / "tmp" / f"{PREFIX}of-this-one").mkdir()

    assert not root.exists()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_it_is_removed_as_well_where_the_run_fails(tmp_path: Path) -> None:
    root = state_directory().root

    def fail() -> None:
        with leaving_nothing(tmp_path / "store", machine=False):
            (root / "data").mkdir(parents=True)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not root.exists()


def test_a_process_that_stays_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "input()", str(tmp_path / "store" / "image")]
    started = []

    def leave() -> None:
        with leaving_nothing(tmp_path / "store", machine=False):
            started.append(subprocess.Popen(command, stdin=subprocess.PIPE))

    with pytest.raises(LocalError, match=r"the run left on this machine:\n  process .*store/image"):
        leave()

    started[0].communicate()
