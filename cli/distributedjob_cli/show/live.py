"""A job's progress while it goes on: a bar on a terminal, else a line for each change."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from distributedjob_cli.show import progress
from distributedjob_cli.show.describe import BAR
from distributedjob_cli.show.pace import Pace
from distributedjob_cli.show.safe import one_line
from distributedjob_cli.show.terminal import note, redraws

if TYPE_CHECKING:
    from rich.console import Console

WIDE: Final = 120
NAME_CHARACTERS: Final = 24
"""Of a name, on a terminal that is not so wide."""


class View(Protocol):
    """Shows one job."""

    def show(self, body: dict[str, Any]) -> None:
        """The job as it is now."""


class Lines:
    """For files and pipes: one line a change, and none twice."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._last = ""

    def show(self, body: dict[str, Any]) -> None:
        """The job as it is now."""
        text = f"{body['metadata']['name']}  {_line(body, self._pace)}"
        if text != self._last:
            note(text)
            self._last = text


class Bar:
    """For terminals; see :func:`view`."""

    def __init__(self, bars: Any, task: Any) -> None:
        self._bars, self._task, self._pace = bars, task, Pace()

    def show(self, body: dict[str, Any]) -> None:
        """The job as it is now."""
        known = progress.counts(body)
        self._bars.update(
            self._task,
            completed=known.done,
            total=known.total or None,
            line=_line(body, self._pace),
        )


def _line(body: dict[str, Any], pace: Pace) -> str:
    known, now = progress.counts(body), time.monotonic()
    pace.note(known.done, now)
    left = known.total - known.done - known.cancelled
    return progress.line(known, pace.rate(now), pace.seconds_left(left, now))


@contextmanager
def view(name: str) -> Iterator[View]:
    """What is fit for where standard error goes: results go to standard output."""
    if not redraws(sys.stderr):
        yield Lines()
        return
    from rich.console import Console

    with bar(name, Console(stderr=True, highlight=False)) as made:
        yield made


@contextmanager
def bar(name: str, console: "Console") -> Iterator[Bar]:
    """A bar that leaves room for the numbers behind it; where they are many, these are wrapped."""
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    wide = console.width >= WIDE
    short = Column(no_wrap=True, max_width=None if wide else NAME_CHARACTERS)
    columns = (
        TextColumn("{task.description}", markup=False, table_column=short),
        BarColumn(BAR if wide else BAR // 3, table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[line]}", markup=False, table_column=Column()),
    )
    with Progress(*columns, console=console) as bars:
        yield Bar(bars, bars.add_task(one_line(name), total=None, line="Pending"))
