"""A job as it changes: read once, then watched."""

import math
import time
from collections.abc import Iterator
from typing import Any, Final

from distributedjob_api.reasons import is_refusal
from distributedjob_cli.client.api import WATCH_SECONDS, Api, Gone, NoSuchJob
from distributedjob_cli.client.http import Unreachable
from distributedjob_cli.client.outage import Outage, bear, breathe

FINISHED: Final = ("Complete", "Failed", "Cancelled")


def phase(body: dict[str, Any]) -> str:
    """Where a job stands; Pending before the operator wrote anything."""
    return str((body.get("status") or {}).get("phase") or "Pending")


def asked_again(body: dict[str, Any]) -> bool:
    """Whether a job that is over has a token of ``rerun`` that was not heeded yet."""
    status, spec = body.get("status") or {}, body["spec"]
    token = (spec.get("rerun") or {}).get("token", "")
    heeded = not token or token == status.get("rerunToken", "") or spec.get("cancel")
    return phase(body) in FINISHED and not heeded


def finished(body: dict[str, Any]) -> bool:
    """Whether a job is over, and no token that was not heeded yet starts it again."""
    return phase(body) in FINISHED and not asked_again(body)


def refusal(body: dict[str, Any]) -> str:
    """Why the last token of ``rerun`` was refused; empty where it was not."""
    for each in (body.get("status") or {}).get("conditions") or ():
        reason, message = str(each.get("reason", "")), str(each.get("message", ""))
        if each.get("type") == "Stalled" and each.get("status") == "True":
            return message if is_refusal(reason, message) else ""
    return ""


def follow(
    api: Api, namespace: str, name: str, seconds: float = math.inf
) -> Iterator[dict[str, Any]]:
    """The job as it stands, then as often as it changes, for so long at most.

    Once the API server has answered, an outage of it is borne with.

    Raises:
        NoSuchJob: there is none, or it was deleted meanwhile.
        EndpointError: the API server says no, or has not answered for long.
    """
    deadline = time.monotonic() + seconds
    outage = Outage()
    body: dict[str, Any] | None = api.read_job(namespace, name)
    while body is not None:
        yield body
        try:
            yield from _changes(api, body, deadline, outage)
            return
        except Gone:
            breathe()
            body = _read_again(api, namespace, name, deadline, outage)
        except Unreachable as error:
            bear(outage, error, max(0.0, deadline - time.monotonic()))
            body = _read_again(api, namespace, name, deadline, outage)


def _changes(
    api: Api, body: dict[str, Any], deadline: float, outage: Outage
) -> Iterator[dict[str, Any]]:
    metadata = body["metadata"]
    namespace, name, version = metadata["namespace"], metadata["name"], metadata["resourceVersion"]
    while (left := deadline - time.monotonic()) > 0:
        lasting = math.ceil(min(left, WATCH_SECONDS))
        for kind, changed in api.watch(namespace, name, version, lasting):
            if kind == "DELETED":
                raise NoSuchJob(f"DistributedJob {namespace}/{name} was deleted")
            version = changed["metadata"]["resourceVersion"]
            outage.over()
            yield changed
        outage.over()


def _read_again(
    api: Api, namespace: str, name: str, deadline: float, outage: Outage
) -> dict[str, Any] | None:
    """The job once the API server answers again; None where the time is over by then."""
    while time.monotonic() < deadline:
        try:
            body = api.read_job(namespace, name)
        except Unreachable as error:
            bear(outage, error, max(0.0, deadline - time.monotonic()))
        else:
            return body
    return None
