"""N x /bin/true from ``kubectl apply`` to Complete, beside what runs them without us.

Each round runs the job, then each rival, one after the other on the same machine; a
ratio is the median over the rounds of our rate by theirs in the same round.
"""

import sys
from pathlib import Path
from typing import Any

from bench import jobs, rivals
from bench.spread import spread
from distributedjob_local.cluster import Cluster

WARM_UP_TASKS = 1000


def measure(cluster: Cluster, folder: Path, tasks: int, rounds: int) -> dict[str, Any]:
    """Rates and ratios; see ``figures`` for the names."""
    beside = rivals.find(folder, tasks)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {rival.name: [] for rival in beside}
    jobs.run(cluster, "warm-up", WARM_UP_TASKS)
    for number in range(1, rounds + 1):
        ours.append(tasks / jobs.run(cluster, f"round-{number}", tasks).seconds)
        for rival in beside:
            theirs[rival.name].append(rival.tasks / rival.seconds())
        print(f"round {number} of {rounds} is over", file=sys.stderr, flush=True)
    ratios = {
        name: [us / them for us, them in zip(ours, rates, strict=True)]
        for name, rates in theirs.items()
    }
    medians = {f"ratio_to_{name}": round(spread(each).median, 3) for name, each in ratios.items()}
    titles = {"ours": "DistributedJob", **{rival.name: rival.title for rival in beside}}
    return {
        **{f"ratio_to_{name}": None for name in ("xargs", "parallel", "ceiling")},
        **medians,
        "tasks": tasks,
        "rates": {
            titles[name]: [round(rate, 1) for rate in rates]
            for name, rates in {"ours": ours, **theirs}.items()
        },
        "ratios": {name: [round(one, 3) for one in each] for name, each in ratios.items()},
    }
