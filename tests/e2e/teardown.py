"""Nothing stays behind a run: what it left is removed, and whatever else is new is an error."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributedjob_local.errors import LocalError
from distributedjob_local.interrupts import uninterrupted
from tests.e2e import inventory, scratch
from tests.e2e.nodes import cgroups
from tests.e2e.nodes.cluster import state_directory


@contextmanager
def leaving_nothing(store: Path, *, machine: bool) -> Iterator[None]:
    """Remove control groups and folders, also those of a run that was killed before.

    Args:
        store: where images are built, which stays; no mount and no process of it does.
        machine: as in :func:`inventory.take`.

    Raises:
        LocalError: something is left that was not there before.
    """
    clear()
    marks = [state_directory().root, store]
    before = inventory.take(marks, machine=machine)
    try:
        yield
    finally:
        with uninterrupted("removing what was set up"):
            clear()
    if left := inventory.take(marks, machine=machine) - before:
        lines = "\n".join(f"  {line}" for line in sorted(left))
        raise LocalError(f"the run left on this machine:\n{lines}")


def clear() -> None:
    """Remove what no kernel removes."""
    cgroups.remove()
    scratch.clear()
    shutil.rmtree(state_directory().root, ignore_errors=True)
