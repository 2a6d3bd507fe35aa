"""Folders for a moment. They have a name that is known, for one who is killed removes none."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PREFIX: Final = "djob-e2e-"


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder, removed in the end."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        yield Path(name)


def left() -> list[Path]:
    """The folders that there are."""
    return sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


def clear() -> None:
    """Remove those of a run that was killed; there is only one run at a time."""
    for folder in left():
        shutil.rmtree(folder, ignore_errors=True)
