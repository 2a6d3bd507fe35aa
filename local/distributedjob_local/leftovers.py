"""What may outlive its parent: recorded processes, tasks of a killed worker, and their files."""

from pathlib import Path

from distributedjob_api.constants import DEFAULT_POOL
from distributedjob_local.errors import LocalError
from distributedjob_local.installation import INSTALLATION
from distributedjob_local.records import Record, end_recorded
from distributedjob_local.state import StateDirectory


def end_leftovers(state: StateDirectory) -> list[Record]:
    """End everything that runs for this directory, and return the recorded part."""
    ended = end_recorded(state.records)
    end_tasks(state)
    return ended


def end_tasks(state: StateDirectory) -> None:
    """End tasks whose worker was killed and never came back to end them itself."""
    from distributedjob_worker.execution import orphans  # Only where there were nodes.

    for directory in state.root.glob("data/node-*"):
        home = directory.stat()
        node = f"{directory.name}@{home.st_dev:x}.{home.st_ino:x}"
        try:
            orphans.end_leftovers(f"{INSTALLATION}/{DEFAULT_POOL}/{node}/", directory)
        except TimeoutError as error:
            raise LocalError(str(error)) from error


def remove(folder: Path) -> None:
    """Remove a folder, whatever tasks left in it; what nobody may remove stays."""
    from distributedjob_worker.execution import scratch  # As above.

    scratch.remove_tree(str(folder))
