"""What tasks of a killed worker left in their directories goes with the cluster."""

from pathlib import Path

import pytest

from distributedjob_local import throwaway
from distributedjob_local.lifecycle import take_down
from distributedjob_local.progress import Progress
from distributedjob_local.size import Size
from distributedjob_local.state import StateDirectory
from distributedjob_local.throwaway import throwaway_cluster
from tests.support.deep_trees import dig


def test_a_purged_directory_can_be_used_again(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")
    state.create()
    deep = state.data("node-1") / "scratch" / "1"
    deep.mkdir(parents=True)
    dig(deep)
    take_down(state, purge=True)
    assert not state.root.exists()


def test_a_throwaway_cluster_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cluster:
        def __init__(self, *_: object) -> None:
            self.start = self.stop = lambda: None

    monkeypatch.setattr(throwaway, "Cluster", Cluster)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with throwaway_cluster({}, Size(), Progress()):
        (folder,) = tmp_path.iterdir()
        deep = folder / "data" / "node-1" / "scratch" / "1"
        deep.mkdir(parents=True)
        dig(deep)
    assert list(tmp_path.iterdir()) == []
