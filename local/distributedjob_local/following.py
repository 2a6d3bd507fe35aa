"""Apply files and show what becomes of their jobs until each is finished."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from distributedjob_api import constants
from distributedjob_local.cluster import Cluster
from distributedjob_local.errors import RefusedFileError

POLL_SECONDS: Final = 0.3
LINE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class JobName:
    """Where a job stands in the API."""

    namespace: str
    name: str

    @property
    def path(self) -> str:
        """Its address below the server's."""
        return (
            f"/apis/{constants.API_VERSION}/namespaces/{self.namespace}"
            f"/{constants.PLURAL}/{self.name}"
        )


def apply_files(cluster: Cluster, files: Sequence[str]) -> list[JobName]:
    """Apply with kubectl, and return the jobs among what was applied.

    Raises:
        RefusedFileError: the server, or kubectl, refused a file, or none holds a job.
    """
    jobs = []
    for file in files:
        text = sys.stdin.read() if file == "-" else None
        done = cluster.kubectl("apply", "--output=json", f"--filename={file}", input=text)
        if done.returncode != 0:
            raise RefusedFileError(done.stderr.strip())
        document = json.loads(done.stdout)
        objects = document["items"] if document["kind"] == "List" else [document]
        jobs += [
            JobName(each["metadata"]["namespace"], each["metadata"]["name"])
            for each in objects
            if each["kind"] == constants.KIND
        ]
    if not jobs:
        raise RefusedFileError(f"{', '.join(files)}: no {constants.KIND} in it")
    return jobs


def follow(cluster: Cluster, jobs: Sequence[JobName]) -> bool:
    """Show progress until every job is finished.

    Returns:
        Whether all of them are Complete.
    """
    if sys.stderr.isatty():
        from rich.console import Console  # Only a terminal needs it.
        from rich.live import Live

        with Live(console=Console(stderr=True)) as live:
            return _watch(cluster, jobs, lambda lines, _: live.update("\n".join(lines)))
    return _watch(cluster, jobs, _Lines())


class _Lines:
    """Prints what changed, a few seconds apart, and the end at once."""

    def __init__(self) -> None:
        self._shown: dict[int, str] = {}
        self._printed = 0.0

    def __call__(self, lines: list[str], last: bool) -> None:
        now = time.monotonic()
        if not last and self._shown and now - self._printed < LINE_SECONDS:
            return
        self._printed = now
        for position, line in enumerate(lines):
            if self._shown.get(position) != line:
                self._shown[position] = line
                print(line, file=sys.stderr, flush=True)


def _watch(
    cluster: Cluster, jobs: Sequence[JobName], show: Callable[[list[str], bool], None]
) -> bool:
    while True:
        documents = cluster.read(*(job.path for job in jobs))
        finished = all(_holds(document, "Finished") for document in documents)
        show([_line(document) for document in documents], finished)
        if finished:
            return all(_holds(document, "Complete") for document in documents)
        time.sleep(POLL_SECONDS)


def _holds(document: dict[str, Any], condition: str) -> bool:
    conditions = document.get("status", {}).get("conditions") or []
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def _line(document: dict[str, Any]) -> str:
    status = document.get("status", {})
    counts = [
        f"{status[name]:,} {name}"
        for name in ("running", "failed", "cancelled", "retries")
        if status.get(name)
    ]
    parts = [status.get("phase", "Pending"), status.get("progress", ""), *counts]
    return f"{document['metadata']['name']}: {', '.join(part for part in parts if part)}"
