"""Numbers, spans and amounts as people read them."""

import time
from datetime import UTC, datetime
from typing import Any

from distributedjob_api.durations import human_duration

span = human_duration


def run_time(seconds: float) -> str:
    """How long an attempt ran: milliseconds count where there are few seconds."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f}ms"
    return f"{seconds:.1f}s" if seconds < 60 else span(seconds)


def memory(amount: int) -> str:
    """Bytes as the largest binary unit that leaves a whole part."""
    for unit, size in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if amount >= size:
            return f"{amount / size:.1f}{unit}".replace(".0", "")
    return str(amount)


def rate(per_second: float) -> str:
    """How many a second."""
    if per_second >= 10:
        return f"{per_second:,.0f}/s"
    return f"{per_second:.1f}/s" if per_second >= 0.05 else "0/s"


def moment(stamp: Any) -> datetime | None:
    """A time of an object, or None where there is none."""
    try:
        return datetime.fromisoformat(str(stamp)) if stamp else None
    except ValueError:
        return None


def now() -> datetime:
    """This moment, of the machine's own clock."""
    return datetime.fromtimestamp(time.time(), UTC)


def clock(unix: float) -> str:
    """A time of the journal, in UTC as objects have it; empty for none."""
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%dT%H:%M:%SZ}" if unix > 0 else ""


def count(number: int, noun: str) -> str:
    """``1 task``, ``1,000 tasks``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
