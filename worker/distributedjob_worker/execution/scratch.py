"""Scratch directories: one a task, its own, removed when it leaves anything behind.

A directory that a task did not touch is handed on as it is: making and removing
one costs more than all the rest the agent does for a task. Its modification time
is set to 0 at first, so that one ``stat`` tells.
"""

import contextlib
import os
import shutil
import stat
import threading
from pathlib import Path
from typing import Final

_RIGHTS: Final = stat.S_IRWXU
_MODE: Final = stat.S_IFDIR | _RIGHTS


class ScratchPool:
    """Directories under one root, which belongs to this pool alone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._free: list[str] = []
        self._made = 0
        self._lock = threading.Lock()
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True, mode=0o700, exist_ok=True)

    def take(self) -> str:
        """An empty directory with no other user; raises OSError as mkdir does."""
        try:
            return self._free.pop()
        except IndexError:
            with self._lock:
                self._made += 1
                name = f"{self._root}/{self._made}"
            os.mkdir(name, _RIGHTS)
            os.utime(name, ns=(0, 0))
            return name

    def give_back(self, directory: str) -> None:
        """The task is over: keep the directory if nothing was done to it."""
        try:
            found = os.stat(directory, follow_symlinks=False)
        except OSError:
            return
        if found.st_mtime_ns == 0 and found.st_mode == _MODE:
            self._free.append(directory)
        else:
            _remove(directory)


def _remove(directory: str) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    if os.path.lexists(directory):
        # A task can take the rights away from its own directories.
        with contextlib.suppress(OSError):
            os.chmod(directory, _RIGHTS)
        for parent, names, _ in os.walk(directory):
            for name in names:
                with contextlib.suppress(OSError):
                    os.chmod(os.path.join(parent, name), _RIGHTS)
        shutil.rmtree(directory, ignore_errors=True)
