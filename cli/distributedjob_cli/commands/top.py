"""``djob top``: jobs and nodes as they are, on a live screen."""

import contextlib
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from distributedjob_api.quantity import cpu_text
from distributedjob_cli.commands import nodes as machines
from distributedjob_cli.commands.listing import Everywhere, Selector
from distributedjob_cli.errors import CliError
from distributedjob_cli.show import human, progress, terminal
from distributedjob_cli.show.describe import bar
from distributedjob_cli.show.pace import Pace
from distributedjob_cli.show.safe import one_line
from distributedjob_cli.show.table import fitting
from distributedjob_cli.target import Target
from distributedjob_cli.times import seconds

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api
    from distributedjob_cli.client.endpoint import Operator

EXAMPLES = """Examples:

\b
  djob top                               # q ends it
  djob top -A --interval 5
  djob top --once                        # one screen, for a file
"""

ORDER: Final = ("Running", "Cancelling", "Pending", "Suspended", "Failed", "Cancelled", "Complete")
HEADERS: Final = ("job", "phase", "progress", "done", "rate", "eta", "running", "failed", "why")
WHY_CHARACTERS: Final = 40
EXPENDABLE: Final = ("progress", "rate", "why", "running", "eta", "phase")
MACHINES_EXPENDABLE: Final = ("allocatable", "address", "pool", "rate", "queued", "slots")
"""Columns that a narrow screen lacks, the first ones first."""

ENDS: Final = frozenset(b"qQ\x03")
PAGE: Final = 200
"""Characters in a line of a message, at most."""

ENDLESS: Final = os.terminal_size((sys.maxsize, sys.maxsize))
LEAST_SECONDS: Final = 0.2
MOST_SECONDS: Final = 3600.0


@dataclass(slots=True)
class Paces:
    """The pace of each job, from one screen to the next."""

    known: dict[str, Pace] = field(default_factory=dict)

    def of(self, uid: str, done: int, now: float) -> Pace:
        """That of a job of which so many tasks are done."""
        pace = self.known.setdefault(uid, Pace())
        pace.note(done, now)
        return pace


def top(
    target: Target,
    everywhere: Everywhere = False,
    selector: Selector = "",
    interval: Annotated[
        str, typer.Option("--interval", metavar="TIME", help="From one screen to the next.")
    ] = "1s",
    once: Annotated[bool, typer.Option("--once", help="Print one screen and end.")] = False,
) -> None:
    """Show jobs and nodes on a live screen.

    The busiest stand first; q or Ctrl-C ends it. Where nobody answers it says so, and shows
    what was known last.
    """
    pause = seconds(interval, "--interval")
    if not LEAST_SECONDS <= pause <= MOST_SECONDS:
        raise typer.BadParameter(f"{interval!r} is not from 200ms to 1h", param_hint="--interval")
    place = None if everywhere else target.place()
    with target.operator() as operator, target.api() as api:
        screens = Screens(api, operator, place, selector)
        if once or not (terminal.redraws(sys.stdout) and sys.stdin.isatty()):
            size = shutil.get_terminal_size() if sys.stdout.isatty() else ENDLESS
            long = os.terminal_size((size.columns, sys.maxsize))
            terminal.write(screens.next(time.monotonic(), long))
            return
        _live(screens, pause)


@dataclass(slots=True)
class Screens:
    """One screen after the other; what is not answered is shown as it was known last."""

    api: "Api"
    operator: "Operator"
    place: str | None
    selector: str
    _bodies: list[dict[str, Any]] | None = None
    _paces: Paces = field(default_factory=Paces)

    def next(self, now: float, size: os.terminal_size) -> str:
        """The screen of a moment; raises :class:`CliError` where the first one cannot be had."""
        nodes, troubles = [], []
        try:
            self._bodies = self.api.list_jobs(self.place, self.selector)["items"]
        except CliError as error:
            if self._bodies is None:
                raise
            troubles.append(str(error))
        try:
            nodes = self.operator.nodes()
        except CliError as error:
            troubles.append(str(error))
        return drawn(self._bodies or [], nodes, self._paces, now, size, self.place, *troubles)


def drawn(
    bodies: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]], paces: Paces,
    now: float, size: os.terminal_size, place: str | None, *troubles: str,
) -> str:  # fmt: skip
    """One screen of a size: a summary, the nodes, and as many jobs as there is room for."""
    width, height = size
    busy, slots = (sum(row[key] for row in nodes) for key in ("busyMillis", "slotsMillis"))
    rate = sum(row["rate"] for row in nodes)
    workers = sum(bool(row["pool"]) for row in nodes)
    ready = sum(row["health"] == "Ready" for row in nodes)
    where = f"namespace {place}" if place is not None else "all namespaces"
    head = (
        f"{human.count(len(bodies), 'job')} in {where}   {ready} of {workers} workers ready"
        f"   CPU {cpu_text(busy)} of {cpu_text(slots)} busy   {human.rate(rate)}\n"
    )
    for trouble in troubles:
        head += textwrap.fill(one_line(trouble), min(width, PAGE)) + "\n"
    room = max(3, (height - 6) // 2)
    shown = sorted(nodes, key=lambda row: -row["busyMillis"])[:room]
    columns = len(machines.HEADERS)
    cells = [machines.cells(row)[:columns] for row in shown]
    below = fitting(machines.HEADERS, cells, width, MACHINES_EXPENDABLE) if nodes else ""
    below += f"... and {len(nodes) - len(shown):,} more\n" if len(nodes) > len(shown) else ""
    left = max(1, height - head.count("\n") - below.count("\n") - 4)
    ranked = sorted(bodies, key=_rank)
    rows = [_row(body, paces, now, namespaced=place is None) for body in ranked]
    jobs = fitting(HEADERS, rows[:left], width, EXPENDABLE) if rows else "no jobs\n"
    jobs += f"... and {len(rows) - left:,} more\n" if len(rows) > left else ""
    return f"{head}\n{jobs}\n{below}"


def _rank(body: Mapping[str, Any]) -> tuple[int, float]:
    known = progress.counts(body)
    created = human.moment(body["metadata"].get("creationTimestamp"))
    place = ORDER.index(known.phase) if known.phase in ORDER else len(ORDER)
    return place, -created.timestamp() if created else 0.0


def _row(body: Mapping[str, Any], paces: Paces, now: float, *, namespaced: bool) -> list[str]:
    known = progress.counts(body)
    metadata = body["metadata"]
    pace = paces.of(metadata["uid"], known.done, now)
    waits = known.phase in ("Pending", "Suspended") or (
        known.phase == "Running" and not known.running
    )
    going = known.phase == "Running"
    left = pace.seconds_left(known.total - known.done, now) if going else None
    return [
        f"{metadata['namespace']}/{known.name}" if namespaced else known.name,
        known.phase,
        bar(known)[::2],
        f"{known.done:,}/{known.total:,}",
        human.rate(pace.rate(now)) if left is not None else "",
        human.span(left) if left is not None else "",
        f"{known.running:,}",
        f"{known.failed:,}",
        known.reason[:WHY_CHARACTERS] if waits or known.phase == "Failed" else "",
    ]


def _live(screens: Screens, interval: float) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)
    with _keys() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            text = screens.next(time.monotonic(), os.terminal_size(console.size))
            live.update(Text(text, no_wrap=True, overflow="crop"), refresh=True)
            if pressed(interval) & ENDS:
                return


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], set[int]]]:
    """What is pressed within some seconds, without echo; the terminal is as before afterwards."""
    import select
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)

    def pressed(seconds: float) -> set[int]:
        ready, _, _ = select.select([keyboard], [], [], seconds)
        return {*(os.read(keyboard, 1024) or b"q")} if ready else set()

    try:
        tty.setcbreak(keyboard)
        yield pressed
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
