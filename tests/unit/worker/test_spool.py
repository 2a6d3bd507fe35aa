"""The spool over kills, torn writes and full disks."""

import os
from pathlib import Path

import pytest

from distributedjob_api.messages import Entry, Failure
from distributedjob_worker import spool as spool_module
from distributedjob_worker.core.effects import Store
from distributedjob_worker.errors import SpoolError
from distributedjob_worker.spool import Spool


def _store(uid: str, *numbers: int) -> Store:
    failure = Failure(9, 0, "Error", 1, 0, "what it said \N{GREEK SMALL LETTER MU}")
    return Store(
        uid,
        "default",
        uid,
        [Entry(number, 0, [(number, number)], [failure], [], 0.5) for number in numbers],
    )


def test_what_was_written_is_read_by_the_next_agent(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.append([_store("a", 1), _store("b", 1)])
    first.append([_store("a", 2)])
    first.close()
    assert Spool(tmp_path).load() == [_store("a", 1, 2), _store("b", 1)]


def test_every_torn_tail_costs_only_the_last_record(tmp_path: Path) -> None:
    whole = Spool(tmp_path)
    whole.append([_store("a", 1)])
    kept = whole.size
    whole.append([_store("a", 2)])
    whole.close()
    data = (tmp_path / "spool").read_bytes()
    for length in range(kept, len(data)):
        (tmp_path / "spool").write_bytes(data[:length])
        torn = Spool(tmp_path)
        assert torn.load() == [_store("a", 1)]
        torn.close()


def test_a_record_that_was_changed_ends_the_reading(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.append([_store("a", 1)])
    kept = first.size
    first.append([_store("a", 2)])
    first.close()
    data = bytearray((tmp_path / "spool").read_bytes())
    data[kept + 12] ^= 1
    (tmp_path / "spool").write_bytes(data)
    assert Spool(tmp_path).load() == [_store("a", 1)]


def test_an_acknowledged_spool_is_empty(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([_store("a", 1)])
    spool.keep([])
    assert (spool.size, (tmp_path / "spool").stat().st_size) == (0, 0)
    spool.append([_store("a", 2)])
    assert spool.load() == [_store("a", 2)]


def test_a_large_spool_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "_COMPACT_BYTES", 1000)
    spool = Spool(tmp_path)
    spool.append([_store("a", *range(1, 101))])
    before = spool.size
    spool.keep([_store("a", 99, 100)])
    assert spool.size < before / 10
    spool.append([_store("a", 101)])
    assert spool.load() == [_store("a", 99, 100, 101)]


def test_it_says_when_it_is_full(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=100)
    assert not spool.full
    spool.append([_store("a", 1, 2)])
    assert spool.full
    spool.keep([])
    assert not spool.full


def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    spool.append([_store("a", 1)])
    real = os.write

    def half(file: int, data: memoryview) -> int:
        monkeypatch.setattr(os, "write", full)
        return real(file, data[: len(data) // 2])

    def full(file: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        spool.append([_store("a", 2)])
    monkeypatch.setattr(os, "write", real)
    spool.append([_store("a", 3)])
    assert spool.load() == [_store("a", 1, 3)]


def test_a_file_that_could_not_be_written_anew_takes_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    spool.append([_store("a", 1)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(file: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        spool.replace([_store("a", 1, 2)])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_two_agents_do_not_share_a_directory(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    with pytest.raises(SpoolError, match="DJOB_STATE_DIR"):
        Spool(tmp_path)
    first.close()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match="DJOB_STATE_DIR"):
        Spool(tmp_path / "file" / "state")


@pytest.mark.parametrize("below", [".", "deeper"])
def test_a_state_directory_that_is_a_file_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match=r"^DJOB_STATE_DIR .* is not a directory: name one"):
        Spool(tmp_path / "file" / below)
