"""The release under test: README's commands, with the images that were just built."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.e2e import readme
from tests.e2e.cluster import Cluster

NAMESPACE: Final = "djob-system"
NAME: Final = "distributedjob"
CHART: Final = "helm/distributedjob"


@dataclass(frozen=True, slots=True)
class Release:
    """What ``helm install`` made of the chart."""

    cluster: Cluster

    def follow(self, heading: str, values: Path) -> None:
        """Run the commands under one of README's headings; helm gets these values as well."""
        for line in readme.commands(heading):
            program, *words = shlex.split(line)
            if program == "helm" and words[0] in ("install", "upgrade"):
                words += ["--values", str(values)]
            self.cluster.run(program, *words)

    def values(self, pools: dict[str, Any]) -> dict[str, Any]:
        """Values that name the images at hand, and these pools."""
        images = {role: _image(name) for role, name in self.cluster.images.items()}
        return {
            "operator": {"image": images["operator"]},
            "worker": {"image": images["worker"]},
            "nats": {"image": images["nats"], "storage": {"size": "1Gi"}},
            "pools": {
                name: {**pool, **({"image": images[pool["image"]]} if "image" in pool else {})}
                for name, pool in pools.items()
            },
        }

    def pods(self, component: str) -> list[dict[str, Any]]:
        """The living pods of a component."""
        label = f"app.kubernetes.io/component={component}"
        found = self.cluster.items("pods", "-n", NAMESPACE, "-l", label)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def leader(self) -> str:
        """The name of the pod that leads."""
        lease = self.cluster.get("lease", NAME, "-n", NAMESPACE)
        holder: str = lease["spec"]["holderIdentity"]
        return holder.rpartition("_")[0]

    def drainable_node(self) -> str:
        """The leader's node, unless the data of NATS is tied to it; then another worker's."""
        tied = {
            pod["spec"]["nodeName"]
            for pod in self.pods("nats")
            for volume in self.cluster.items("persistentvolumes")
            if volume["spec"].get("claimRef", {}).get("namespace") == NAMESPACE
            and "nodeAffinity" in volume["spec"]
        }
        leader = self.cluster.get("pod", self.leader(), "-n", NAMESPACE)["spec"]["nodeName"]
        workers = [pod["spec"]["nodeName"] for pod in self.pods("worker")]
        return next(node for node in (leader, *workers) if node not in tied)

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run kubectl in the release's namespace."""
        return self.cluster.kubectl("-n", NAMESPACE, *arguments)

    def settle(self, timeout: str = "180s") -> None:
        """Wait until everything is as the release wants it."""
        kinds = self.cluster.items("deployments,daemonsets,statefulsets", "-n", NAMESPACE)
        for each in kinds:
            name = f"{each['kind'].lower()}/{each['metadata']['name']}"
            self.kubectl("rollout", "status", name, f"--timeout={timeout}")


def write(values: dict[str, Any], folder: Path) -> Path:
    """Write values into a file."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return file


def _image(name: str) -> dict[str, str]:
    repository, _, tag = name.rpartition(":")
    return {"repository": repository, "tag": tag}
