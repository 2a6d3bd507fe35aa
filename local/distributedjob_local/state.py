"""The one directory a cluster lives in; every path of it is named here."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from distributedjob_local.errors import LocalError
from distributedjob_local.home import user_directory

PRIVATE = 0o700


def default_state_directory() -> Path:
    """Where ``djob local up`` keeps its cluster unless told otherwise."""
    return user_directory("XDG_STATE_HOME", ".local/state") / "distributedjobs" / "local"


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Paths under one root, and the secrets kept there."""

    root: Path

    @property
    def kubeconfig(self) -> Path:
        """What plain ``kubectl`` is pointed at."""
        return self.root / "kubeconfig"

    @property
    def records(self) -> Path:
        """One file a process that was started."""
        return self.root / "processes"

    @property
    def settings(self) -> Path:
        """What ``up`` was asked for; stands once everything was ready."""
        return self.root / "cluster.json"

    @property
    def programs(self) -> Path:
        """Links to the programs in use, ``kubectl`` among them."""
        return self.root / "bin"

    @property
    def mark(self) -> Path:
        """Says that the directory is one of ours; locked while it changes."""
        return self.root / ".djob-local"

    @property
    def made(self) -> bool:
        """Whether it was made already.

        Raises:
            LocalError: this user may not look.
        """
        try:
            return self.mark.exists()
        except OSError as error:
            raise LocalError(f"cannot look into {self.root}: {error.strerror}") from error

    def log(self, name: str) -> Path:
        """Output of one process."""
        return self.root / "logs" / f"{name}.log"

    def data(self, name: str) -> Path:
        """What one component keeps; made on first use.

        Raises:
            LocalError: it cannot be made.
        """
        path = self.root / "data" / name
        try:
            path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        except OSError as error:
            raise LocalError(f"cannot make {path}: {error.strerror}") from error
        return path

    def create(self) -> None:
        """Make the directory, readable by its owner alone.

        Raises:
            LocalError: it cannot be made, or holds something else.
        """
        try:
            self.root.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            if not self.mark.exists() and any(self.root.iterdir()):
                raise LocalError(f"{self.root} has files in it that are no cluster's")
            self.mark.touch(mode=0o600)
            self.root.chmod(PRIVATE)
            for path in (self.records, self.programs, self.root / "logs", self.root / "secrets"):
                path.mkdir(mode=PRIVATE, exist_ok=True)
        except OSError as error:
            raise LocalError(f"cannot use {self.root} as state directory: {error}") from error

    def secret(self, name: str) -> Path:
        """A file with a random password, made once and kept."""
        path = self.root / "secrets" / name
        if not path.exists():
            from secrets import token_urlsafe  # Slow to import, and rarely needed.

            self.write_private(path, token_urlsafe(24))
        return path

    def write_private(self, path: Path, text: str) -> None:
        """Write a file that nobody else may read, whole or not at all.

        Raises:
            LocalError: it cannot be written.
        """
        new = path.with_name(f"{path.name}.new")
        try:
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            new.replace(path)
        except OSError as error:
            raise LocalError(f"cannot write {path}: {error.strerror}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against another ``up`` or ``down``."""
        self.create()
        with self.mark.open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LocalError(f"another djob is starting or stopping {self.root}") from error
            yield

    def purge(self) -> None:
        """Remove what was made here, and the directory itself once it is empty."""
        for name in ("processes", "logs", "secrets", "bin", "data"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for path in (self.kubeconfig, self.settings, self.mark):
            path.unlink(missing_ok=True)
        if self.root.is_dir() and not any(self.root.iterdir()):
            self.root.rmdir()
