"""Scratch directories are empty when they are handed out, and go without harm to anything else."""

import os
import stat
from pathlib import Path

import pytest

from distributedjob_worker.execution.scratch import ScratchPool
from tests.support.deep_trees import dig


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def test_an_untouched_directory_is_handed_on(root: Path) -> None:
    pool = ScratchPool(root)
    first = pool.take()
    pool.give_back(first)
    assert pool.take() == first


def test_it_is_handed_on_also_where_the_parent_hands_down_its_group(tmp_path: Path) -> None:
    # As a volume does that Kubernetes gave to an fsGroup.
    tmp_path.chmod(0o2770)
    pool = ScratchPool(tmp_path / "scratch")
    first = pool.take()
    assert os.stat(first).st_mode & stat.S_ISGID
    pool.give_back(first)
    assert pool.take() == first


def test_who_sets_back_the_time_of_a_directory_leaves_nothing_in_it(root: Path) -> None:
    pool = ScratchPool(root)
    used = pool.take()
    Path(used, "left").touch()
    os.utime(used, ns=(0, 0))
    pool.give_back(used)
    assert os.listdir(pool.take()) == []


def test_what_a_link_leads_to_stays_as_it_is(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "below").mkdir(parents=True)
    for path in (outside, outside / "below"):
        path.chmod(0o755)
    pool = ScratchPool(root)
    replaced, around = pool.take(), pool.take()
    os.rmdir(replaced)
    os.symlink(outside, replaced)
    os.mkdir(f"{around}/closed")
    os.symlink(outside, f"{around}/closed/link")
    os.chmod(f"{around}/closed", 0)
    for used in (replaced, around):
        pool.give_back(used)
    assert os.listdir(root) == []
    assert [stat.S_IMODE(path.stat().st_mode) for path in (outside, outside / "below")] == [
        0o755,
        0o755,
    ]


def test_a_very_deep_tree_is_removed_and_keeps_no_agent_from_its_start(root: Path) -> None:
    pool = ScratchPool(root)
    used = pool.take()
    dig(Path(used))
    pool.give_back(used)
    assert os.listdir(root) == []
    dig(Path(pool.take()))
    ScratchPool(root)
    assert os.listdir(root) == []


def test_what_nobody_can_remove_costs_no_task_its_start(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ScratchPool(root).take()
    monkeypatch.setattr("distributedjob_worker.execution.scratch.remove_tree", lambda _: None)
    pool = ScratchPool(root)
    assert os.path.isdir(first)
    assert pool.take() != first
