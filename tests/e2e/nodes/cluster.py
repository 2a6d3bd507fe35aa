"""The cluster of real nodes, in namespaces that this process is the first inhabitant of."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from distributedjob_local.component import Setting
from distributedjob_local.errors import LocalError
from distributedjob_local.home import user_directory
from distributedjob_local.state import StateDirectory
from tests.e2e.nodes import network
from tests.e2e.nodes.control_plane import ControlPlane
from tests.e2e.nodes.network import Place
from tests.e2e.nodes.node import Node

PLACES: Final = (Place(1), Place(2))
PROGRAMS: Final = frozenset(
    {
        *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
        *("kubelet", "kube-proxy", "coredns"),
    }
)
COREDNS: Final = "localhost/e2e/coredns:1"
VOLUMES: Final = 3
READY: Final = "120s"
ADD_ONS: Final = Path(__file__).parent / "add-ons.yaml"


def state_directory() -> StateDirectory:
    """The one directory of the cluster; only one stands on a machine at a time."""
    return StateDirectory(user_directory("XDG_STATE_HOME", ".local/state") / "distributedjobs/e2e")


class NodesHere:
    """Two nodes and their control plane; all of it ends with the namespaces."""

    title = "two real nodes on this machine"

    def __init__(
        self, programs: Mapping[str, Path], plugins: Path, infrastructure: Sequence[Path]
    ) -> None:
        setting = Setting(state_directory(), attended=True)
        self._state = setting.state
        self._kubectl = str(programs["kubectl"])
        self._infrastructure = infrastructure
        self._control = ControlPlane(setting, programs, [place.name for place in PLACES])
        self._nodes = [Node(setting, programs, plugins, place) for place in PLACES]

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self._control.kubeconfig

    def start(self) -> None:
        """Start everything, and return when nodes and names work."""
        self._state.create()
        network.lay_wire()
        self._control.start()
        for node in self._nodes:
            node.make([place for place in PLACES if place != node.place])
            for archive in self._infrastructure:
                node.import_images(archive)
            self._join(node)
        self._apply(ADD_ONS.read_text(encoding="utf-8"))
        self._apply(yaml.safe_dump_all(self._volumes()))
        wait = ("wait", f"--timeout={READY}")
        self._run(*wait, "--for=create", *(f"node/{place.name}" for place in PLACES))
        self._run(*wait, "--for=condition=Ready", "nodes", "--all")
        self._run(*wait, "--for=condition=Available", "-n=kube-system", "deployment/coredns")

    def load(self, images: Mapping[str, Path]) -> None:
        """Bring the images to every node."""
        for node in self._nodes:
            for archive in images.values():
                node.import_images(archive)

    def collect(self, folder: Path) -> None:
        """Keep the logs of every process."""
        shutil.copytree(self._state.root / "logs", folder / "processes")

    def stop(self) -> None:
        """Nothing: everything is in the namespaces, and ends with them."""

    def _join(self, node: Node) -> None:
        own, proxy = node.kubeconfig("kubelet"), node.kubeconfig("kube-proxy")
        self._control.write_kubeconfig(own, f"system:node:{node.place.name}")
        self._control.write_kubeconfig(proxy, "system:kube-proxy")
        node.start(self._control.kubelet_client)

    def _volumes(self) -> Iterator[dict[str, Any]]:
        """Volumes that every node can reach, as a network's would be."""
        for number in range(1, VOLUMES + 1):
            path = self._state.data("volumes") / str(number)
            path.mkdir()
            path.chmod(0o777)
            yield {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"shared-{number}"},
                "spec": {
                    "storageClassName": "shared",
                    "capacity": {"storage": "10Gi"},
                    "accessModes": ["ReadWriteOnce"],
                    "hostPath": {"path": str(path)},
                },
            }

    def _apply(self, manifest: str) -> None:
        self._run("apply", "--filename=-", input=manifest)

    def _run(self, *arguments: str, input: str = "") -> None:  # noqa: A002 - as subprocess
        done = subprocess.run(
            [self._kubectl, f"--kubeconfig={self.kubeconfig}", *arguments],
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LocalError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
