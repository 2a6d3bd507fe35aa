"""Spans of time as kubectl prints and reads them."""

import re
from typing import Final

_UNIT_SECONDS: Final = {
    "ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3,
    "s": 1.0, "m": 60.0, "h": 3600.0,
}  # fmt: skip
"""The sign of micro is one of two characters that look the same."""

_PART: Final = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(_UNIT_SECONDS)})")


def parse_duration(text: str) -> float:
    """Seconds of ``90s``, ``1h30m``, ``1.5h``, ``-1s`` or ``0``, as Go's ``time.ParseDuration``.

    Raises:
        ValueError: the text is none of these.
    """
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    parts = _PART.findall(rest)
    if not parts or "".join(map("".join, parts)) != rest:
        raise ValueError(f"{text!r} is no span of time")
    return sign * sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def human_duration(span_seconds: float) -> str:
    """Two units, the coarser the longer it lasts.

    After ``k8s.io/apimachinery/pkg/util/duration.HumanDuration``.
    """
    seconds = max(0, int(span_seconds))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    return f"{days}d"


def _two(coarse: int, coarse_unit: str, fine: int, fine_unit: str) -> str:
    return f"{coarse}{coarse_unit}{fine}{fine_unit}" if fine else f"{coarse}{coarse_unit}"
