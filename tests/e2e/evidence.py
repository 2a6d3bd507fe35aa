"""What is kept after a failure: every object, every log, and what the nodes wrote."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.e2e.cluster import Cluster

LISTED: Final = (
    *("nodes", "namespaces", "pods", "deployments", "daemonsets", "statefulsets", "replicasets"),
    *("services", "endpointslices", "configmaps", "serviceaccounts", "leases", "events"),
    *("persistentvolumes", "persistentvolumeclaims", "networkpolicies", "poddisruptionbudgets"),
    *("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    *("customresourcedefinitions", "distributedjobs"),
)
"""Everything but Secrets."""


def keep(cluster: Cluster, folder: Path) -> None:
    """Write it all into the folder; what cannot be read is told there as well."""
    folder.mkdir(parents=True)
    wide = ["get", "nodes,pods,events", "-A", "-o", "wide"]
    _write(cluster, folder / "overview.txt", wide)
    for kind in LISTED:
        _write(cluster, folder / "objects" / f"{kind}.yaml", ["get", kind, "-A", "-o", "yaml"])
    _write(cluster, folder / "pods.txt", ["describe", "pods", "-A"])
    for namespace, pod, container in _containers(cluster):
        where = ["logs", "-n", namespace, pod, "-c", container]
        name = f"{namespace}.{pod}.{container}"
        _write(cluster, folder / "logs" / f"{name}.log", where)
        _write(cluster, folder / "logs" / f"{name}.previous.log", [*where, "--previous"])
    cluster.provider.collect(folder)


def _containers(cluster: Cluster) -> list[tuple[str, str, str]]:
    done = cluster.kubectl("get", "pods", "-A", "-o", "json", check=False)
    pods = json.loads(done.stdout)["items"] if done.returncode == 0 else []
    return [
        (pod["metadata"]["namespace"], pod["metadata"]["name"], container["name"])
        for pod in pods
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    ]


def _write(cluster: Cluster, file: Path, arguments: Sequence[str]) -> None:
    file.parent.mkdir(exist_ok=True)
    done = cluster.kubectl(*arguments, check=False)
    if done.returncode == 0 and done.stdout:
        file.write_text(done.stdout, encoding="utf-8")
    elif "--previous" not in arguments:
        file.write_text(done.stdout + done.stderr, encoding="utf-8")
