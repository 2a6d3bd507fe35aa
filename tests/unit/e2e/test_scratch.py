"""Folders for a moment: gone in the end, and found where somebody was killed."""

import tempfile
from pathlib import Path

import pytest

from tests.e2e import scratch


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_folder_is_removed_with_what_is_in_it() -> None:
    with scratch.scratch() as folder:
        (folder / "file").touch()
        assert scratch.left() == [folder]

    assert scratch.left() == []


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    other = tmp_path / "other"
    for path in (other, tmp_path / f"{scratch.PREFIX}abc" / "files"):
        path.mkdir(parents=True)

    scratch.clear()

    assert list(tmp_path.iterdir()) == [other]
