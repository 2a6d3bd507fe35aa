"""The table and the file that a run leaves, also where it found violations."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos.registry import Row
from tests.chaos.trial import Result

TOTALS: Final = ("tasks", "runs", "duplicates", "lost", "counted_twice", "processes_left")


@dataclass(slots=True)
class Line:
    """What became of one row."""

    row: Row
    verdict: str
    seconds: float
    result: Result = field(default_factory=Result)
    reason: str = ""


@dataclass(slots=True)
class Report:
    """A whole run."""

    seed: int
    lines: list[Line] = field(default_factory=list)
    processes_left: dict[int, str] = field(default_factory=dict)
    ended_early: str = ""

    @property
    def failed(self) -> bool:
        """Whether anything was violated, or left behind, or never came to be."""
        violated = any(one.verdict == "FAIL" for one in self.lines)
        return violated or bool(self.processes_left) or bool(self.ended_early)

    def totals(self) -> dict[str, int]:
        """The figures over all rows."""
        found = dict.fromkeys(("faults", *TOTALS), 0)
        for line in self.lines:
            found["faults"] += len(line.result.faults)
            for name in TOTALS:
                found[name] += line.result.totals.get(name, 0)
        found["processes_left"] += len(self.processes_left)
        return found

    def document(self) -> dict[str, Any]:
        """All of it, for programs."""
        faults = Counter(one.kind for line in self.lines for one in line.result.faults)
        recoveries = [one for line in self.lines for one in line.result.recoveries]
        takeovers = [one for line in self.lines for one in line.result.takeovers]
        return {
            "seed": self.seed,
            "passed": not self.failed,
            "ended_early": self.ended_early,
            "totals": self.totals(),
            "faults_by_kind": dict(sorted(faults.items())),
            "recovery_seconds": distribution(recoveries),
            "takeover_seconds": {
                how: {
                    "holder": distribution([one.seconds for one in takeovers if one.how == how]),
                    "first_checkpoint": distribution(
                        [one.planned for one in takeovers if one.how == how and one.planned]
                    ),
                }
                for how in sorted({one.how for one in takeovers})
            },
            "rows": [_row(line) for line in self.lines],
            "processes_left": self.processes_left,
        }

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(self.document(), indent=2) + "\n", encoding="utf-8")
        new.replace(path)

    def closing(self) -> str:
        """The lines under the table."""
        document = self.document()
        lines = [
            "",
            ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in self.totals().items()),
        ]
        lines.append(f"recovery: {_said(document['recovery_seconds'])}")
        for how, times in document["takeover_seconds"].items():
            lines.append(f"take-over after {how}: {_said(times['holder'])}")
            lines.append(f"  its first checkpoint: {_said(times['first_checkpoint'])}")
        for pid, command in self.processes_left.items():
            lines.append(f"process left: {pid} {command}")
        if self.ended_early:
            lines.append(f"ended early: {self.ended_early}")
        lines.append(f"seed {self.seed}: {'FAIL' if self.failed else 'pass'}")
        return "\n".join(lines)


def heading() -> str:
    """The first line of the table."""
    return "row  verdict  seconds  faults      tasks   again  title"


def shown(line: Line) -> str:
    """A row of the table, with what was violated below it."""
    result = line.result
    tasks, again = result.totals.get("tasks", 0), result.totals.get("duplicates", 0)
    text = (
        f"{line.row.number:>3}  {line.verdict:7}  {line.seconds:7.1f}  {len(result.faults):>6}"
        f"  {tasks:>9,}  {again:>6}  {line.row.title}"
    )
    below = [f"{one.letter}: {one.text}" for one in result.violations] + result.notes
    below += [line.reason] if line.reason else []
    return "\n".join([text, *(f"       {one}" for one in below)])


def distribution(values: list[float]) -> dict[str, float | int]:
    """How many, the median, the 99th percentile and the most, in seconds."""
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "p50": round(ordered[len(ordered) // 2], 3),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3),
        "max": round(ordered[-1], 3),
    }


def _said(values: dict[str, float | int]) -> str:
    if not values["count"]:
        return "none"
    figures = ", ".join(f"{name} {values[name]:.2f} s" for name in ("p50", "p99", "max"))
    return f"{values['count']} times, {figures}"


def _row(line: Line) -> dict[str, Any]:
    result = line.result
    return {
        "number": line.row.number,
        "title": line.row.title,
        "injection": line.row.injection,
        "shows": line.row.shows,
        "verdict": line.verdict,
        "reason": line.reason,
        "seconds": round(line.seconds, 1),
        "totals": result.totals,
        "faults": [
            {"kind": f.kind, "target": f.target, "start": round(f.start, 2), "end": round(f.end, 2)}
            for f in result.faults
        ],
        "violations": [asdict(one) for one in result.violations],
        "recoveries": [round(one, 3) for one in result.recoveries],
        "notes": result.notes,
    }
