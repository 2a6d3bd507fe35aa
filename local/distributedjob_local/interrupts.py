"""Signals that ask a command to end: heard once, and never in the middle of a clean-up."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDING: Final = "interrupted: ending what was started"
STILL_ENDING: Final = "still ending what was started; nothing of it may stay"


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let the first signal unwind what runs, and no later one disturb that.

    It becomes an exit code, as a shell shows it.
    """

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        for each in _heeded():
            signal.signal(each, _leaving)
        _say(ENDING)
        sys.exit(128 + number)

    with _handled(leave):
        yield


@contextmanager
def uninterrupted(said: str = "") -> Iterator[None]:
    """Hold signals back until this is over, and say so where it may take long.

    Only the main thread hears signals, so nothing is to be held back from another one.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or _leaving in map(signal.getsignal, SIGNALS):
        yield
        return
    heard: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        _say(said)

    with _handled(hold):
        yield
    if heard:
        signal.raise_signal(heard[0])


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {each: signal.signal(each, handler) for each in _heeded()}
    try:
        yield
    finally:
        for each, handled in before.items():
            # What leaves has its exit code, and nothing that could still be interrupted.
            left = signal.getsignal(each) is _leaving
            signal.signal(each, signal.SIG_IGN if left else handled)


def _heeded() -> list[signal.Signals]:
    """Those that are not ignored, as ``nohup`` and a shell's background want it."""
    return [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]


def _leaving(number: int, frame: FrameType | None) -> None:
    _say(STILL_ENDING)


def _say(line: str) -> None:
    """Write past Python's buffers, which a signal may find in the middle of a write.

    Who hangs up may have taken the terminal along: nothing is left undone for that.
    """
    if line:
        with suppress(OSError):
            os.write(sys.stderr.fileno(), f"{line}\n".encode())
