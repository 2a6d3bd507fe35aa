"""What tasks of tests do, and what they leave behind outside the system."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.jobs import lines, marked
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Ledger:
    """A file that tasks append to (O_APPEND), a line at a time; the only true witness."""

    path: Path

    def note(self, *words: str) -> str:
        """The piece of shell that writes a line; words may hold variables."""
        return f'echo "{" ".join(words)}" >> {self.path}'

    def command(self, *steps: str) -> list[str]:
        """A task that notes its index and then does more."""
        return ["sh", "-c", "; ".join([self.note("$DJOB_INDEX"), *steps])]

    @property
    def lines(self) -> list[str]:
        """What was written so far."""
        return lines(self.path)

    @property
    def indexes(self) -> list[int]:
        """The first words of all lines, in order of size."""
        return sorted(int(line.split()[0]) for line in self.lines)

    def wait_for(self, count: int, timeout: float = 60) -> list[str]:
        """Wait until there are so many lines."""
        return wait_until(
            lambda: self.lines, lambda found: len(found) >= count, timeout, f"{count} lines"
        )


@dataclass(frozen=True)
class Mark:
    """A variable by which the processes of a job are told from all others."""

    value: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def env(self) -> list[dict[str, Any]]:
        """What the template's ``env`` must hold."""
        return [{"name": "MARK", "value": self.value}]

    @property
    def processes(self) -> list[int]:
        """The processes that live, on any node."""
        return marked(f"MARK={self.value}")

    def wait_gone(self, timeout: float = 30) -> None:
        """Wait until the last process has ended."""
        wait_until(lambda: self.processes, lambda pids: not pids, timeout, "the processes end")


def once(gate: Path) -> str:
    """The piece of shell that waits for a file."""
    return f"while ! [ -e {gate} ]; do sleep 0.05; done"


STUBBORN = "trap 'sleep 1; exit 0' TERM; sleep 300 & wait"
"""A task that takes a second to end when it is asked to."""
