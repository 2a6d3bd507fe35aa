"""Values for the operator's unit tests, with only what a test cares about spelled out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from distributedjob_api.v1alpha1 import DistributedJob, parse
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.fleet import Node

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> Instant:
    """The moment so many seconds after the start of the test's world."""
    return Instant(seconds, START + timedelta(seconds=seconds))


def job_body(
    name: str = "job",
    *,
    namespace: str = "default",
    version: int = 1,
    uid: str = "",
    cpu: str = "1",
    memory: str = "",
    **spec: Any,
) -> dict[str, Any]:
    """An object as the API server hands it out; ``spec`` in camelCase."""
    if not {"completions", "items", "itemsFrom"} & spec.keys():
        spec["completions"] = 10
    requests = {"cpu": cpu, "memory": memory} if memory else {"cpu": cpu}
    spec.setdefault("template", {"command": ["true"], "resources": {"requests": requests}})
    return {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(version),
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": spec,
    }


def a_job(name: str = "job", **fields: Any) -> DistributedJob:
    """The same, parsed."""
    return parse(job_body(name, **fields))


def a_node(name: str, cpus: float = 1, *, cordoned: bool = False, **fields: Any) -> Node:
    """A ready node."""
    fields.setdefault("memory_bytes", 2**30)
    return Node(name, "127.0.1.1", int(cpus * 1000), ready=True, cordoned=cordoned, **fields)
