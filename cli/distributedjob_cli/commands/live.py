"""What one task writes, as it writes it: its worker is asked, and the journal at its end."""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from distributedjob_cli.commands import attempts
from distributedjob_cli.errors import CliError
from distributedjob_cli.show import terminal

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api
    from distributedjob_cli.client.endpoint import Operator

POLL_SECONDS: Final = 0.5
STREAMS: Final = ("stdout", "stderr")

Attempt = tuple[int, int]
"""A run and the number of an attempt in it."""


@dataclass(slots=True)
class Printed:
    """How much of each attempt of one task was printed."""

    places: dict[Attempt, dict[str, int]] = field(default_factory=dict)
    last: Attempt = (0, 0)
    midline: bool = False

    def live(self, view: Mapping[str, Any]) -> bytes:
        """What a running attempt wrote since."""
        self.last = _attempt(view)
        known = self.places.setdefault(self.last, dict.fromkeys(STREAMS, 0))
        pieces = []
        for stream in STREAMS:
            at, content = view.get(f"{stream}At", 0), base64.b64decode(view.get(stream, ""))
            _left_out(stream, at - known[stream])
            pieces.append(content[max(0, known[stream] - at) :])
            known[stream] = max(known[stream], at + len(content))
        return self._noted(b"".join(pieces))

    def ended(self, row: Mapping[str, Any]) -> bytes:
        """What an attempt that ended wrote and was not printed, with a line feed behind it."""
        known = self.places.pop(_attempt(row), dict.fromkeys(STREAMS, 0))
        pieces = []
        for stream in STREAMS:
            kept, total = base64.b64decode(row.get(stream, "")), row.get(f"{stream}Bytes", 0)
            rest = _rest(kept, total, known[stream])
            _left_out(stream, total - known[stream] - len(rest) if kept else 0)
            pieces.append(self._noted(rest))
            pieces.append(b"\n" if self.midline else b"")
            self.midline = False
        return b"".join(pieces)

    def _noted(self, piece: bytes) -> bytes:
        if piece:
            self.midline = not piece.endswith(b"\n")
        return piece


def following(
    api: "Api", operator: "Operator", place: tuple[str, str], index: int
) -> Iterator[bytes]:
    """What every attempt of a task wrote and writes, until the job is over."""
    printed, told = Printed(), False
    params = {"streams": [*STREAMS], "indexes": str(index)}
    for row in attempts.following(api, operator, place, params):
        if row is not None:
            yield printed.ended(row)
            continue
        piece = b""
        try:
            yield (piece := so_far(_asking(operator, place, index), printed))
        except CliError as error:
            if not told:
                told = True
                terminal.note(f"cannot see what task {index} writes until it ends: {error}")
        if not piece:
            time.sleep(POLL_SECONDS)


def whole(
    operator: "Operator", place: tuple[str, str], index: int, printed: Printed
) -> Iterator[bytes]:
    """What a running task wrote up to now; ``printed`` knows afterwards whether it runs."""
    ask = _asking(operator, place, index)
    while piece := so_far(ask, printed):
        yield piece


def so_far(ask: Callable[[Mapping[str, int]], Mapping[str, Any]], printed: Printed) -> bytes:
    """What a running task wrote behind what was printed of it, some of it where it is much."""
    known = printed.places.get(printed.last, {})
    view = ask(known)
    if known and _attempt(view) != printed.last and view.get("attempt", 0):
        # Another attempt: it is to be seen from its beginning.
        view = ask(printed.places.get(_attempt(view), {}))
    return printed.live(view) if view.get("attempt", 0) else b""


def _asking(
    operator: "Operator", place: tuple[str, str], index: int
) -> Callable[[Mapping[str, int]], Mapping[str, Any]]:
    return lambda known: operator.job_view(place, "live", {"index": index, **known})


def _attempt(view: Mapping[str, Any]) -> Attempt:
    return view.get("run", 0), view.get("attempt", 0)


def _rest(kept: bytes, total: int, known: int) -> bytes:
    """What is behind so many bytes of an output, of which head and tail are kept."""
    if len(kept) == total:
        return kept[known:]
    head = len(kept) // 2
    tail = total - (len(kept) - head)
    return kept[known:head] + kept[head + max(0, known - tail) :]


def _left_out(stream: str, count: int) -> None:
    if count > 0:
        terminal.note(f"... {count:,} bytes of {stream} were not kept ...")
