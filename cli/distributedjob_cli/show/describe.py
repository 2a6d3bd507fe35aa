"""One job as a person reads it."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from distributedjob_cli.show import human, progress
from distributedjob_cli.show.safe import one_line

BAR: Final = 30
COMMAND_CHARACTERS: Final = 200
_WIDTH: Final = 14


def job(body: Mapping[str, Any], now: datetime) -> str:
    """A job at a moment; what is empty is left out."""
    lines = [f"{label + ':':<{_WIDTH}}{value}" for label, value in _facts(body, now) if value]
    status: Mapping[str, Any] = body.get("status") or {}
    failures = status.get("recentFailures") or []
    if failures:
        lines.append("Last failures:")
        lines += [f"  {_failure(each)}" for each in failures]
    return "\n".join(lines) + "\n"


def _facts(body: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, str]]:
    metadata, spec = body["metadata"], body["spec"]
    status: Mapping[str, Any] = body.get("status") or {}
    known = progress.counts(body)
    template = spec.get("template") or {}
    argv = [*(template.get("command") or ()), *(template.get("args") or ())]
    requests = (template.get("resources") or {}).get("requests") or {}
    yield "Name", metadata["name"]
    yield "Namespace", metadata.get("namespace", "")
    yield "Phase", known.phase
    yield "Why", one_line(known.message)
    yield "Progress", f"{bar(known)}  {known.done:,}/{known.total:,}  {known.percent}%"
    yield "Tasks", tasks(known)
    yield "Retries", f"{known.retries:,}" if known.retries else ""
    interruptions = int(status.get("interruptions") or 0)
    yield "Interruptions", f"{interruptions:,}" if interruptions else ""
    yield "Created", _moment(metadata.get("creationTimestamp"), now)
    yield "Started", _moment(status.get("startTime"), now)
    yield "Ended", _moment(status.get("completionTime"), now)
    yield "Duration", str(status.get("duration") or "")
    yield "Command", one_line(shlex.join(argv))[:COMMAND_CHARACTERS]
    yield "Task request", ", ".join(f"{value} {name}" for name, value in requests.items())
    yield "Pool", str(spec.get("pool") or "")
    yield "Nodes", ", ".join(status.get("nodes") or ())
    yield "Failed tasks", str(status.get("failedIndexes") or "")


def bar(known: progress.Counts) -> str:
    """A bar as text: done, failed, not done."""
    if not known.total:
        return "." * BAR
    done = known.done * BAR // known.total
    failed = min(done, -(-known.failed * BAR // known.total))
    return "#" * (done - failed) + "x" * failed + "." * (BAR - done)


def tasks(known: progress.Counts) -> str:
    """The counts that are not zero."""
    pending = known.total - known.done - known.running - known.cancelled
    parts = (
        ("succeeded", known.succeeded),
        ("failed", known.failed),
        ("running", known.running),
        ("pending", pending),
        ("cancelled", known.cancelled),
    )
    return ", ".join(f"{value:,} {label}" for label, value in parts if value > 0)


def _moment(stamp: Any, now: datetime) -> str:
    at = human.moment(stamp)
    if at is None:
        return ""
    return f"{at:%Y-%m-%dT%H:%M:%SZ} ({human.span((now - at).total_seconds())} ago)"


def _failure(each: Mapping[str, Any]) -> str:
    code = f" {each['exitCode']}" if int(each.get("exitCode", -1)) > 0 else ""
    signal = f", signal {each['signal']}" if each.get("signal") else ""
    tail = str(each.get("tail", "")).strip()
    said = f": {one_line(tail.splitlines()[-1])}" if tail else ""
    return (
        f"task {each['index']} (attempt {each['attempt']}, {each['node']}):"
        f" {each['reason']}{code}{signal}{said}"
    )
