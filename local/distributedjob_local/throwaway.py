"""A cluster for one command: in a directory of its own, and gone with all of it."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from distributedjob_local import leftovers
from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Setting
from distributedjob_local.interrupts import STILL_ENDING, uninterrupted
from distributedjob_local.progress import Progress
from distributedjob_local.size import Size
from distributedjob_local.state import StateDirectory


@contextmanager
def throwaway_cluster(
    programs: Mapping[str, Path], size: Size, progress: Progress
) -> Iterator[Cluster]:
    """Start a cluster in a temporary directory, and in the end remove both."""
    folder = Path(tempfile.mkdtemp(prefix="djob-"))
    cluster = Cluster(Setting(StateDirectory(folder), attended=True), programs, size)
    try:
        with progress.step("starting the cluster"):
            cluster.start()
        yield cluster
    finally:
        with uninterrupted(STILL_ENDING):
            cluster.stop()
            leftovers.remove(folder)
