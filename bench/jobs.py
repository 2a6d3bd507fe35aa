"""One job from ``kubectl apply`` until a watch shows its end, as a user would time it."""

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from bench.embedded import JOBS, TRUE, manifest
from distributedjob_local.cluster import Cluster
from distributedjob_local.errors import LocalError

FEWEST_STATUSES: Final = 20
SILENCE_SECONDS: Final = 30
"""A job that runs is written more often than this."""


@dataclass(slots=True)
class Run:
    """What a watch showed of one job.

    Attributes:
        tasks: how many it had.
        seconds: from the start of kubectl to Complete.
        progress: (seconds, tasks succeeded) of each status that was seen.
        object_bytes: the largest that the object was, as JSON.
        versions: how many versions of the object were seen.
    """

    tasks: int
    seconds: float = 0.0
    progress: list[tuple[float, int]] = field(default_factory=list)
    object_bytes: int = 0
    versions: int = 0

    @property
    def cost_us(self) -> float:
        """Microseconds a task, everything counted in."""
        return self.seconds / self.tasks * 1e6

    def tenths(self) -> list[float]:
        """Tasks a second in each tenth of the job; none where its checkpoints are too few."""
        if len(self.progress) < FEWEST_STATUSES:
            return []
        reached = [self._reached(self.tasks * tenth / 10) for tenth in range(11)]
        return [self.tasks / 10 / (last - first) for first, last in itertools.pairwise(reached)]

    def _reached(self, count: float) -> float:
        """When so many tasks had succeeded, in a straight line between two statuses."""
        before = (0.0, 0)
        for at in self.progress:
            if at[1] >= count:
                share = (count - before[1]) / (at[1] - before[1]) if at[1] > before[1] else 1.0
                return before[0] + share * (at[0] - before[0])
            before = at
        return self.seconds


def run(
    cluster: Cluster, name: str, tasks: int, command: list[str] = TRUE, patience: int = 180
) -> Run:
    """Run a job to its end and delete it.

    Raises:
        LocalError: it was refused, or did not run all of its tasks.
    """
    measured = Run(tasks)
    try:
        status = _follow(cluster, name, command, patience, measured)
    except requests.ConnectionError as error:
        cluster.check(1.0)
        raise LocalError(f"{name} showed no progress for {SILENCE_SECONDS} s") from error
    if status.get("succeeded") != tasks:
        raise LocalError(f"{name} did not run all of its {tasks} tasks: {status}")
    cluster.kubectl("delete", "djob", name)
    return measured


def _follow(
    cluster: Cluster, name: str, command: list[str], patience: int, measured: Run
) -> dict[str, Any]:
    """Apply the job, note what a watch shows of it; the last status."""
    client = cluster.api
    parameters = {
        "watch": "true",
        "fieldSelector": f"metadata.name={name}",
        "timeoutSeconds": str(patience),
    }
    with client.session.get(
        client.url + JOBS, params=parameters, stream=True, timeout=SILENCE_SECONDS
    ) as watch:
        began = time.perf_counter()
        job = json.dumps(manifest(name, measured.tasks, command))
        applied = cluster.kubectl("apply", "--filename=-", input=job)
        if applied.returncode != 0:
            raise LocalError(applied.stderr.strip())
        status: dict[str, Any] = {}
        for line in watch.iter_lines(chunk_size=None):
            moment = time.perf_counter() - began
            status = json.loads(line)["object"].get("status", {})
            measured.versions += 1
            measured.object_bytes = max(measured.object_bytes, len(line))
            measured.progress.append((moment, status.get("succeeded", 0)))
            if status.get("phase") in ("Complete", "Failed"):
                measured.seconds = moment
                break
    return status
