"""Trees of directories that are too deep for whoever goes down by names or by calls."""

import os
from pathlib import Path

DEPTH = 2000
"""Of a tree that ``rmtree`` gives up on, whoever calls it; root removes others without rights."""


def dig(directory: Path) -> None:
    """Make a very deep tree in a directory that is there."""
    here = os.open(directory, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
