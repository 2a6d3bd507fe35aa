"""Every object of a cluster, by kind, namespace and name."""

from typing import Final

from tests.e2e.cluster import Cluster

COME_AND_GO: Final = frozenset(
    {
        *("Event", "Lease", "Pod", "ReplicaSet", "ControllerRevision"),
        *("EndpointSlice", "Endpoints", "IPAddress", "PodMetrics", "NodeMetrics"),
    }
)
"""Kinds that a cluster makes anew by itself, outside of the namespaces in question."""


def take(cluster: Cluster, namespaces: tuple[str, ...]) -> set[tuple[str, str, str]]:
    """Everything there is; of what comes and goes only that in these namespaces."""
    listed = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").stdout.split()
    columns = "custom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name"
    said = cluster.kubectl("get", ",".join(listed), "-A", "--no-headers", "-o", columns)
    rows = [line.split() for line in said.stdout.splitlines()]
    return {
        (kind, namespace, name)
        for kind, namespace, name in rows
        if kind not in COME_AND_GO or namespace in namespaces
    }
