"""Where programs come from: what each source is asked and what it answers."""

import os
import shutil
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Provision:
    """What a source had, and in a few words why not the rest."""

    found: Mapping[str, Path] = field(default_factory=dict)
    reason: str = ""


class Source(Protocol):
    """One place programs come from."""

    @property
    def title(self) -> str:
        """How the source is called in a line to the user."""

    def provide(self, names: Set[str]) -> Provision:
        """Provide as many of these programs as it has; never raises for a lack."""


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that has programs or has them not."""

    title: str
    path: Path
    expected: bool = False

    def provide(self, names: Set[str]) -> Provision:
        """Look; an expected directory explains what it lacks."""
        found = {name: self.path / name for name in names if _runs(self.path / name)}
        lacking = ", ".join(sorted(names - found.keys()))
        return Provision(found, f"{self.path} lacks {lacking}" if self.expected and lacking else "")


@dataclass(frozen=True, slots=True)
class SearchPath:
    """Directories of ``PATH``, for programs of which any recent version will do."""

    title: str
    names: Set[str]
    path: str

    def provide(self, names: Set[str]) -> Provision:
        """Look for those of the names that may come from here."""
        hits = {name: shutil.which(name, path=self.path) for name in names & self.names}
        return Provision({name: Path(hit) for name, hit in hits.items() if hit})


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
