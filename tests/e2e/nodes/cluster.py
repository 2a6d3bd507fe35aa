"""The cluster of real nodes, in namespaces that this process is the first inhabitant of."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from distributedjob_local.component import Setting
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
ADD_ONS: Final = Path(__file__).parent / "add-ons.yaml"


def state_directory() -> StateDirectory:
    """The one directory of the cluster; only one stands on a machine at a time."""
    return StateDirectory(user_directory("XDG_STATE_HOME", ".local/state") / "distributedjobs/e2e")


class NodesHere:
    """Two nodes and their control plane; all of it ends with the namespaces."""

    title = "two real nodes on this machine"

    def __init__(self, programs: Mapping[str, Path], plugins: Path) -> None:
        setting = Setting(state_directory(), attended=True)
        self._state = setting.state
        self._control = ControlPlane(setting, programs, [place.name for place in PLACES])
        self._nodes = [Node(setting, programs, plugins, place) for place in PLACES]

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self._control.kubeconfig

    def start(self) -> None:
        """Start everything; the nodes become ready a little later."""
        self._state.create()
        network.lay_wire()
        self._control.start()
        for node in self._nodes:
            node.make([place for place in PLACES if place != node.place])

    def load(self, archive: Path) -> None:
        """Bring the images of an archive to every node."""
        for node in self._nodes:
            node.import_images(archive)

    def join(self) -> None:
        """Let the nodes join, with their images."""
        for node in self._nodes:
            self._control.write_kubeconfig(
                node.kubeconfig("kubelet"), f"system:node:{node.place.name}"
            )
            self._control.write_kubeconfig(node.kubeconfig("kube-proxy"), "system:kube-proxy")
            node.start(self._control.kubelet_client)

    def collect(self, folder: Path) -> None:
        """Keep the logs of every process."""
        shutil.copytree(self._state.root / "logs", folder / "logs")
