"""How far a job is: counts, a line, and a sentence at its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distributedjob_cli.show import human
from distributedjob_cli.show.safe import one_line


@dataclass(frozen=True, slots=True)
class Counts:
    """The tasks of a job by where they stand, and what it says of itself."""

    name: str
    phase: str
    total: int
    succeeded: int = 0
    failed: int = 0
    running: int = 0
    cancelled: int = 0
    retries: int = 0
    duration: str = ""
    reason: str = ""
    message: str = ""

    @property
    def done(self) -> int:
        """Tasks that have an outcome."""
        return self.succeeded + self.failed

    @property
    def percent(self) -> int:
        """The same of a hundred, rounded down, so that 100 means all of them."""
        return self.done * 100 // self.total if self.total else 0


def counts(body: Mapping[str, Any]) -> Counts:
    """Read them from an object."""
    status: Mapping[str, Any] = body.get("status") or {}
    numbers = {name: int(status.get(name) or 0) for name in _NUMBERS}
    reason, message = said(status)
    return Counts(
        name=body["metadata"]["name"],
        phase=str(status.get("phase") or "Pending"),
        total=sum(numbers.values()) or tasks(body["spec"]),
        succeeded=numbers["succeeded"],
        failed=numbers["failed"],
        running=numbers["running"],
        cancelled=numbers["cancelled"],
        retries=int(status.get("retries") or 0),
        duration=str(status.get("duration") or ""),
        reason=reason,
        message=message,
    )


_NUMBERS = ("pending", "running", "succeeded", "failed", "cancelled")


def tasks(spec: Mapping[str, Any]) -> int:
    """How many tasks a spec asks for; 0 where that stands elsewhere."""
    return int(spec.get("completions") or 0) or len(spec.get("items") or ())


def said(status: Mapping[str, Any]) -> tuple[str, str]:
    """The condition that explains a job's state: its reason and its message."""
    held = {
        each.get("type"): each
        for each in status.get("conditions") or ()
        if each.get("status") == "True"
    }
    for kind in ("Complete", "Failed", "Cancelled", "Stalled", "FailureTarget", "Suspended"):
        if kind in held:
            return str(held[kind].get("reason", "")), str(held[kind].get("message", ""))
    each = held.get("Reconciling") or {}
    return str(each.get("reason", "")), str(each.get("message", ""))


def line(known: Counts, rate: float, left: float | None) -> str:
    """Progress in one line, without what is zero."""
    parts = [f"{known.done:,}/{known.total:,}", f"{known.percent}%"]
    if rate:
        parts.append(human.rate(rate))
    if left is not None and known.done < known.total:
        parts.append(f"ETA {human.span(left)}")
    for label, value in (
        ("running", known.running),
        ("failed", known.failed),
        ("retries", known.retries),
        ("cancelled", known.cancelled),
    ):
        if value:
            parts.append(f"{label} {value:,}")
    if known.phase not in ("Running", "Complete", "Failed", "Cancelled"):
        parts.append(known.phase)
    if not known.running and known.phase in ("Pending", "Running") and known.message:
        parts.append(one_line(known.message))
    return "  ".join(parts)


def ending(known: Counts) -> str:
    """How a job ended, in one sentence."""
    took = f" in {known.duration}" if known.duration else ""
    if known.phase == "Complete" and known.succeeded == known.total:
        return f"{known.name} Complete: {_of(known.succeeded, known)} succeeded{took}."
    told = [f"{known.succeeded:,} succeeded"]
    told += [f"{known.failed:,} failed"] if known.failed else []
    told += [f"{known.cancelled:,} cancelled"] if known.cancelled else []
    because = f" {one_line(known.message)}" if known.message else ""
    return f"{known.name} {known.phase}: of {_tasks(known)} {', '.join(told)}{took}.{because}"


def next_steps(known: Counts, program: str, place: str) -> str:
    """Which verbs show more of a job that is over."""
    verbs = ["output"] + (["failures"] if known.failed or known.retries else [])
    return "\n".join(f"  {program} {verb} {known.name}{place}" for verb in verbs)


def _of(number: int, known: Counts) -> str:
    return f"all {_tasks(known)}" if number > 1 else _tasks(known)


def _tasks(known: Counts) -> str:
    return human.count(known.total, "task")
