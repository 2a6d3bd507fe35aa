"""``make e2e``: prepares, makes a cluster, runs the stories on it, and takes it away.

Arguments are pytest's; ``--hold`` instead gives a shell on the cluster without running them.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from distributedjob_local.errors import LocalError
from distributedjob_local.interrupts import ended_in_order, uninterrupted
from distributedjob_local.programs import cache_directory
from distributedjob_local.progress import Progress
from tests.chaos.isolation import as_init
from tests.chaos.isolation import prepare as prepare_namespaces
from tests.e2e import isolation, provider
from tests.e2e.cluster import Cluster
from tests.e2e.plugin import Stage
from tests.e2e.preparation import Preparation, prepare
from tests.e2e.teardown import leaving_nothing

STORIES: Final = Path(__file__).parent
HOLD: Final = "--hold"


def main(arguments: list[str]) -> int:
    """Do it; the exit code is pytest's, or 2 where no cluster can be had."""
    folder = cache_directory().parent / "images"
    file = folder / "archives" / "preparation.json"
    if isolation.inside():
        as_init()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)  # Which is what pytest ends for.
        prepare_namespaces()
        return run(Preparation.read(file), arguments)
    choice = provider.choice()
    here = choice == "nodes"
    with ended_in_order(), alone(folder), leaving_nothing(folder, machine=here):
        preparation = prepare(choice, file.parent, Progress())
        preparation.write(file)
        if here:
            return isolation.enter([sys.executable, "-m", "tests.e2e", *arguments])
        return run(preparation, arguments)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the one place there is for such a cluster.

    Raises:
        LocalError: another run has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError("another run is on this machine; wait until it has ended") from error
        yield


def run(preparation: Preparation, arguments: list[str]) -> int:
    """Make the cluster, and take it away whatever happens."""
    made = preparation.provider()
    progress = Progress()
    try:
        with progress.step(f"starting {made.title}"):
            made.start()
            made.load(preparation.loaded())
        cluster = Cluster(made, preparation.paths(), preparation.images, preparation.registry)
        if HOLD in arguments:
            return subprocess.run(
                [os.environ.get("SHELL", "/bin/sh")], env=cluster.environment, check=False
            ).returncode
        options = ["--exitfirst", "-p", "no:cacheprovider", str(STORIES), *arguments]
        return int(pytest.main(options, plugins=[Stage(cluster)]))
    finally:
        with uninterrupted("taking the cluster away"):
            made.stop()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LocalError as error:
        print(f"make e2e: {error}", file=sys.stderr)
        sys.exit(2)
