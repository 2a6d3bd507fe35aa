"""The regression gate: this run's ratios beside the last ones that were accepted.

Ratios are compared and no rates, since another machine, or a busy one, has other
rates. A ratio may be lower than the accepted one by the tolerance and by half of what
the rounds of this run differ among themselves; where they differ by more than
``NOISY``, the run decides nothing and says so.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.spread import spread

ACCEPTED: Final = Path(__file__).with_name("last.json")
RATIOS: Final = ("xargs", "parallel", "ceiling")
TOLERANCE: Final = 0.08
NOISY: Final = 0.4


def regressions(figures: dict[str, Any], accepted: dict[str, Any]) -> Iterator[str]:
    """What got worse, one line each."""
    for name in RATIOS:
        before, now = accepted.get(f"ratio_to_{name}"), figures.get("ratios", {}).get(name)
        if not before or not now:
            continue
        found = spread(now)
        half = (found.most - found.least) / 2
        if 2 * half > NOISY * found.median:
            yield (
                f"ratio_to_{name}: the rounds differ too much to tell"
                f" ({found.least:.2f}-{found.most:.2f}); run it on a quiet machine"
            )
        elif found.median < before * (1 - TOLERANCE) - half:
            yield f"ratio_to_{name}: {found.median:.2f}, accepted were {before:.2f}"


def check(end_to_end: dict[str, Any]) -> list[str]:
    """What is worse than the accepted ratios; nothing where none were accepted yet."""
    if not ACCEPTED.exists():
        return []
    return list(regressions(end_to_end, json.loads(ACCEPTED.read_text(encoding="utf-8"))))


def accept(end_to_end: dict[str, Any]) -> None:
    """Make this run's ratios the ones that later runs are held to."""
    ratios = {f"ratio_to_{name}": end_to_end.get(f"ratio_to_{name}") for name in RATIOS}
    ACCEPTED.write_text(json.dumps(ratios, indent=2) + "\n", encoding="utf-8")
