"""Where programs come from: what each source is asked and what it answers."""

import os
import shutil
from collections.abc import Callable, Mapping, Set
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
    """A directory that has programs or has them not; it explains what it was to have."""

    title: str
    path: Path
    expected: Set[str] = frozenset()

    def provide(self, names: Set[str]) -> Provision:
        """Look for all of the names."""
        found = {name: self.path / name for name in names if _runs(self.path / name)}
        lacking = ", ".join(sorted((names & self.expected) - found.keys()))
        if lacking and not self.path.is_dir():
            return Provision(found, f"{self.path} is no directory")
        return Provision(found, f"{self.path} lacks {lacking}" if lacking else "")


@dataclass(frozen=True, slots=True)
class SearchPath:
    """Directories of ``PATH``, for programs of which any recent version will do.

    ``names`` has for each of them the check that says what is wrong with it, if anything.
    """

    title: str
    names: Mapping[str, Callable[[Path], str]]
    path: str

    def provide(self, names: Set[str]) -> Provision:
        """Look for those of the names that may come from here."""
        found, reasons = {}, []
        for name in sorted(names & self.names.keys()):
            if hit := shutil.which(name, path=self.path):
                if reason := self.names[name](Path(hit)):
                    reasons.append(reason)
                else:
                    found[name] = Path(hit)
        return Provision(found, "; ".join(reasons))


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
