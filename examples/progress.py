"""How jobs go: bars on a terminal, a line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

LINE_SECONDS = 3.0


class Display:
    """A context manager that is told the jobs again and again."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.completed:>5.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
        )
        self._tasks: dict[str, TaskID] = {}
        self._shown: dict[str, str] = {}
        self._printed = float("-inf")
        self._terminal = sys.stdout.isatty()

    def __enter__(self) -> Self:
        if self._terminal:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal:
            self._bars.stop()

    def update(self, jobs: list[dict[str, Any]]) -> None:
        """Show these objects as they are now."""
        said = {job["metadata"]["name"]: _said(job.get("status", {})) for job in jobs}
        if not self._terminal:
            self._print(said, [job.get("status", {}) for job in jobs])
            return
        for job in jobs:
            name, status = job["metadata"]["name"], job.get("status", {})
            done, total = (int(number) for number in status.get("progress", "0/1").split("/"))
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, said="")
            self._bars.update(self._tasks[name], completed=done, total=total, said=said[name])
            if status.get("completionTime"):
                self._bars.stop_task(self._tasks[name])

    def _print(self, said: dict[str, str], statuses: list[dict[str, Any]]) -> None:
        over = all(status.get("completionTime") for status in statuses)
        if time.monotonic() - self._printed < LINE_SECONDS and not over:
            return
        self._printed = time.monotonic()
        for (name, text), status in zip(said.items(), statuses, strict=True):
            line = f"  {name:<10} {status.get('progress', ''):>9}  {text}"
            if self._shown.get(name) != line:
                self._shown[name] = line
                print(line, flush=True)


def _said(status: dict[str, Any]) -> str:
    counts = (f"{status[name]:,} {name}" for name in ("running", "retries") if status.get(name))
    return ", ".join((status.get("phase", "Pending"), *counts))
