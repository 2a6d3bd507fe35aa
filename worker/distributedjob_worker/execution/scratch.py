"""Scratch directories: one a task, its own, removed when it leaves anything behind.

A directory that a task did not touch is handed on as it is: making and removing
one costs more than all the rest the agent does for a task. Its modification time
is set to 0 at first, so that one ``stat`` tells; a task may set it back, but not the
time of its last change.
"""

import contextlib
import os
import secrets
import stat
import threading
from pathlib import Path
from typing import Final

_RIGHTS: Final = stat.S_IRWXU


class ScratchPool:
    """Directories under one root, which belongs to this pool alone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._free: list[str] = []
        self._fresh: dict[str, tuple[int, ...]] = {}
        self._made = 0
        self._lock = threading.Lock()
        root.mkdir(parents=True, mode=_RIGHTS, exist_ok=True)
        if not root.is_symlink():
            root.chmod(root.stat().st_mode | _RIGHTS)
            for left in list(os.scandir(root)):
                remove_tree(left.path)

    def take(self) -> str:
        """An empty directory with no other user; raises OSError as mkdir does."""
        try:
            return self._free.pop()
        except IndexError:
            return self._make()

    def give_back(self, directory: str) -> None:
        """The task is over: keep the directory if nothing was done to it."""
        try:
            if _look(directory) == self._fresh[directory]:
                self._free.append(directory)
                return
        except OSError:
            pass
        del self._fresh[directory]
        remove_tree(directory)

    def _make(self) -> str:
        while True:
            with self._lock:
                self._made += 1
                name = f"{self._root}/{self._made}"
            try:
                os.mkdir(name, _RIGHTS)
            except FileExistsError:
                continue  # Nobody could remove what an earlier agent's task left.
            os.utime(name, ns=(0, 0))
            self._fresh[name] = _look(name)
            return name


def _look(directory: str) -> tuple[int, ...]:
    """What differs once something was done to a directory."""
    found = os.stat(directory, follow_symlinks=False)
    # The rights are those of a fresh one, not ours: a parent may hand down its setgid bit.
    return found.st_mode, found.st_mtime_ns, found.st_ctime_ns


def remove_tree(path: str) -> None:
    """Remove whatever is there, through no link; what nobody may remove stays.

    A directory is moved beside ``path`` before it is looked into: trees may be of any
    depth, and no path grows. Rights that a task took away are given back.
    """
    going: list[str] = []

    def let_go(name: str, *, is_directory: bool) -> None:
        with contextlib.suppress(OSError):
            if not is_directory:
                os.unlink(name)
                return
            os.chmod(name, _RIGHTS)
            aside = f"{path}~{secrets.token_hex(8)}"
            os.rename(name, aside)
            going.append(aside)

    let_go(path, is_directory=os.path.isdir(path) and not os.path.islink(path))
    while going:
        directory = going.pop()
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(directory)):
                let_go(entry.path, is_directory=entry.is_dir(follow_symlinks=False))
            os.rmdir(directory)
