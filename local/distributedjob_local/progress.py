"""What a waiting user sees: one line for a fact, a moving line for a long step."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LINE_SECONDS = 15.0


class Progress:
    """Says what goes on, on standard error; a terminal gets a spinner."""

    def note(self, line: str) -> None:
        """Say one fact, if anybody still listens: some are said in the middle of a clean-up."""
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)

    @contextmanager
    def step(self, title: str, hint: str = "") -> Iterator[None]:
        """Show that a step runs, and for how long if it takes long."""
        if sys.stderr.isatty():
            from rich.console import Console  # Only a terminal needs it.

            with Console(stderr=True).status(f"{title} {hint}".rstrip()):
                yield
            return
        done = threading.Event()
        reporter = threading.Thread(target=self._report, args=(title, hint, done), daemon=True)
        reporter.start()
        try:
            yield
        finally:
            done.set()
            reporter.join()

    def _report(self, title: str, hint: str, done: threading.Event) -> None:
        began = time.monotonic()
        while not done.wait(LINE_SECONDS):
            elapsed = time.monotonic() - began
            self.note(f"{title} ... {elapsed:.0f} s {hint}".rstrip())
