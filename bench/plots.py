"""The plots of ``docs/performance.md`` as plain SVG: points and lines on two axes."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 36, 48
COLOURS: Final = ("#0b6bcb", "#c2410c", "#15803d", "#7e22ce")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values on so many pixels."""

    title: str
    first: float
    last: float
    ticks: Sequence[float]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        scale: Callable[[float], float] = math.log10 if self.logarithmic else float
        span = scale(self.last) - scale(self.first)
        return (scale(value) - scale(self.first)) / span


def chart(
    title: str,
    x: Axis,
    y: Axis,
    lines: Mapping[str, Sequence[Point]],
    levels: Mapping[str, float] | None = None,
    *,
    dots: bool,
) -> str:
    """A chart of named lines, and of dashed ``levels`` on the y axis."""

    def px(value: float) -> str:
        return f"{LEFT + x.share(value) * (WIDTH - LEFT - RIGHT):.1f}"

    def py(value: float) -> str:
        return f"{HEIGHT - BOTTOM - y.share(value) * (HEIGHT - TOP - BOTTOM):.1f}"

    ends = px(x.first), px(x.last)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12" fill="#444">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(WIDTH / 2, 20, title, "middle", size=14),
        _text(WIDTH / 2, HEIGHT - 10, x.title, "middle"),
        _text(LEFT, TOP - 6, y.title, "start"),
    ]
    for tick in y.ticks:
        parts.append(_line(ends[0], py(tick), ends[1], py(tick), "#ddd"))
        parts.append(_text(LEFT - 6, float(py(tick)) + 4, f"{tick:,.6g}", "end"))
    for tick in x.ticks:
        parts.append(_line(px(tick), py(y.first), px(tick), py(y.last), "#eee"))
        parts.append(_text(float(px(tick)), HEIGHT - BOTTOM + 16, f"{tick:,.0f}", "middle"))
    for name, level in (levels or {}).items():
        parts.append(_line(ends[0], py(level), ends[1], py(level), "#888", dashed=True))
        parts.append(_text(WIDTH - RIGHT - 4, float(py(level)) - 4, name, "end"))
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{px(a)},{py(b)}" for a, b in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if dots:
            parts += [
                f'<circle cx="{px(a)}" cy="{py(b)}" r="4" fill="{colour}"/>' for a, b in points
            ]
        place = HEIGHT - BOTTOM - 14 - 16 * (len(lines) - 1 - number)
        side = (LEFT + 8, "start") if dots else (WIDTH - RIGHT - 8, "end")
        parts.append(_text(side[0], place, name, side[1], colour=colour))
    return "\n".join([*parts, "</svg>", ""])


def _text(
    x: float, y: float, text: str, anchor: str, *, size: int = 12, colour: str = "#444"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
        f' fill="{colour}">{escape(text)}</text>'
    )


def _line(x1: str, y1: str, x2: str, y2: str, colour: str, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"{dash}/>'


def rates(figures: dict[str, Any]) -> str:
    """Tasks a second over the number of tasks, with the rivals as levels."""
    points = [(one["tasks"], one["tasks_per_second"]) for one in figures["growth"].values()]
    rivals = {
        name: sorted(each)[len(each) // 2]
        for name, each in figures["end_to_end"]["rates"].items()
        if name != "DistributedJob"
    }
    highest = max([rate for _, rate in points] + list(rivals.values()))
    top = math.ceil(highest * 1.1 / 500) * 500
    ticks = [float(tick) for tick in range(0, top + 1, 500)]
    first, last = points[0][0], max(points[-1][0], points[0][0] * 10)
    decades = range(round(math.log10(first)), round(math.log10(last)) + 1)
    return chart(
        "/bin/true on 2 slots, kubectl apply to Complete",
        Axis("tasks in the job", first / 1.3, last * 1.3, [10.0**d for d in decades], True),
        Axis("tasks a second", 0, top, ticks),
        {"DistributedJob": points},
        rivals,
        dots=True,
    )


def latencies(figures: dict[str, Any]) -> str:
    """The share of jobs within so many milliseconds."""
    names = {
        "first_start": "created to first task started",
        "complete": "last exit to Complete visible",
        "one_task": "a one-task job in all",
    }
    values = figures["latency_ms"]["values"]
    lines = {
        title: [
            (max(1.0, value), (at + 1) / len(values[name]) * 100)
            for at, value in enumerate(sorted(values[name]))
        ]
        for name, title in names.items()
    }
    last = max(100.0, *(value for line in lines.values() for value, _ in line))
    ticks = [tick for tick in (1.0, 2, 5, 10, 20, 50, 100, 200, 500) if tick <= last]
    return chart(
        "Latency of one-task jobs on an idle system",
        Axis("milliseconds", 1, last, ticks, True),
        Axis("% of jobs", 0, 100, [0, 25, 50, 75, 100]),
        lines,
        dots=False,
    )
