"""A whole embedded cluster to measure on, and jobs as a user applies them."""

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from distributedjob_api.constants import API_VERSION, KIND, PLURAL
from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Setting
from distributedjob_local.programs import EVERYTHING, find_programs
from distributedjob_local.progress import Progress
from distributedjob_local.size import Size
from distributedjob_local.state import StateDirectory

TRUE: Final = ["/bin/true"]
JOBS: Final = f"/apis/{API_VERSION}/namespaces/default/{PLURAL}"


@contextmanager
def running(size: Size) -> Iterator[Cluster]:
    """A cluster that is gone afterwards."""
    programs = find_programs(EVERYTHING, Progress())
    with tempfile.TemporaryDirectory(prefix="djob-bench-") as folder:
        setting = Setting(StateDirectory(Path(folder, "cluster")), attended=True)
        with Cluster(setting, programs, size) as cluster:
            yield cluster


def manifest(name: str, tasks: int, command: list[str], **spec: Any) -> dict[str, Any]:
    """A job of so many tasks; further fields of the spec in camelCase."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"completions": tasks, **spec, "template": {"command": command}},
    }


@dataclass(frozen=True, slots=True)
class Door:
    """How a client of the benchmark's own gets to the API server."""

    url: str
    token: str
    trust: ssl.SSLContext

    @classmethod
    def of(cls, cluster: Cluster) -> "Door":
        """As the cluster's kubeconfig has it."""
        document = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
        server = document["clusters"][0]["cluster"]
        trust = ssl.create_default_context(cafile=server["certificate-authority"])
        return cls(server["server"], document["users"][0]["user"]["token"], trust)
