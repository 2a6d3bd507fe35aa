"""A job as it changes: read once, then watched."""

import math
import time
from collections.abc import Iterator
from typing import Any, Final

from distributedjob_cli.client.api import WATCH_SECONDS, Api, Gone, NoSuchJob

FINISHED: Final = ("Complete", "Failed", "Cancelled")


def phase(body: dict[str, Any]) -> str:
    """Where a job stands; Pending before the operator wrote anything."""
    return str((body.get("status") or {}).get("phase") or "Pending")


def finished(body: dict[str, Any]) -> bool:
    """Whether a job is over, and no token that was not heeded yet starts it again."""
    status, spec = body.get("status") or {}, body["spec"]
    token = (spec.get("rerun") or {}).get("token", "")
    heeded = not token or token == status.get("rerunToken", "") or spec.get("cancel")
    return phase(body) in FINISHED and bool(heeded)


def follow(
    api: Api, namespace: str, name: str, seconds: float = math.inf
) -> Iterator[dict[str, Any]]:
    """The job as it stands, then as often as it changes, for so long at most.

    Raises:
        NoSuchJob: there is none, or it was deleted meanwhile.
    """
    deadline = time.monotonic() + seconds
    while True:
        body = api.read_job(namespace, name)
        yield body
        version = body["metadata"]["resourceVersion"]
        try:
            while (left := deadline - time.monotonic()) > 0:
                lasting = math.ceil(min(left, WATCH_SECONDS))
                for kind, changed in api.watch(namespace, name, version, lasting):
                    if kind == "DELETED":
                        raise NoSuchJob(f"DistributedJob {namespace}/{name} was deleted")
                    version = changed["metadata"]["resourceVersion"]
                    yield changed
            return
        except Gone:
            continue
