"""The release under test: README's commands, with the images that were just built."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.e2e import readme
from tests.e2e.cluster import Cluster
from tests.e2e.images import CHART

NAMESPACE: Final = "djob-system"
NAME: Final = "distributedjob"


@dataclass(frozen=True, slots=True)
class Release:
    """What ``helm install`` made of the chart."""

    cluster: Cluster

    def follow(self, heading: str) -> None:
        """Run the commands under one of README's headings, but for those that made the images."""
        for line in readme.commands(heading):
            if not line.startswith(f"{readme.ENGINE} "):
                self.cluster.run("bash", "-euo", "pipefail", "-c", line)

    def install_earlier(self, chart: Path, folder: Path) -> None:
        """Install a packaged chart in place of the one that stands here, with one pool."""
        values = self._write({"default": {}}, folder)
        self._helm("install", chart, values, "--create-namespace")

    def test(self) -> None:
        """Run ``helm test``."""
        self.cluster.helm("test", NAME, "--namespace", NAMESPACE, "--timeout", "2m")

    def upgrade(self, pools: dict[str, Any], folder: Path) -> None:
        """Upgrade to the chart as it stands, with these pools."""
        self._helm("upgrade", Path(CHART), self._write(pools, folder))
        self.settle()

    def _helm(self, verb: str, chart: Path, values: Path, *options: str) -> None:
        where = ("--namespace", NAMESPACE, "--values", str(values), "--wait", "--timeout", "4m")
        self.cluster.helm(verb, NAME, str(chart), *where, *options)

    def _write(self, pools: dict[str, Any], folder: Path) -> Path:
        file = folder / "values.yaml"
        file.write_text(yaml.safe_dump(self._values(pools), sort_keys=False), encoding="utf-8")
        return file

    def _values(self, pools: dict[str, Any]) -> dict[str, Any]:
        """Values that name the images at hand, and these pools."""
        images = {role: _image(name) for role, name in self.cluster.images.items()}
        return {
            "operator": {"image": images["operator"]},
            "worker": {"image": images["worker"]},
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

    def keys(self) -> dict[str, str]:
        """The passwords of NATS' users, in base64."""
        found: dict[str, str] = self.cluster.get("secret", f"{NAME}-nats-keys", "-n", NAMESPACE)[
            "data"
        ]
        return found

    @contextmanager
    def drained(self, node: str) -> Iterator[None]:
        """A node that takes no pods until this is over."""
        try:
            self.cluster.kubectl(
                *("drain", node, "--ignore-daemonsets", "--delete-emptydir-data"),
                "--timeout=180s",
            )
            yield
        finally:
            self.cluster.kubectl("uncordon", node)

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run kubectl in the release's namespace."""
        return self.cluster.kubectl("-n", NAMESPACE, *arguments)

    def settle(self, timeout: str = "180s") -> None:
        """Wait until everything is as the release wants it."""
        kinds = self.cluster.items("deployments,daemonsets,statefulsets", "-n", NAMESPACE)
        for each in kinds:
            name = f"{each['kind'].lower()}/{each['metadata']['name']}"
            self.kubectl("rollout", "status", name, f"--timeout={timeout}")


def _image(name: str) -> dict[str, str]:
    repository, _, tag = name.rpartition(":")
    return {"repository": repository, "tag": tag}
