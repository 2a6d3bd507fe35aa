"""Real servers for tests: started in a folder of their own, ended by the kernel if need be."""

from collections.abc import Mapping
from pathlib import Path

from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Setting
from distributedjob_local.control_plane import ControlPlane
from distributedjob_local.nats_server import NatsServer
from distributedjob_local.programs import CONTROLLER_MANAGER, EVERYTHING, find_programs
from distributedjob_local.progress import Progress
from distributedjob_local.size import Size
from distributedjob_local.state import StateDirectory


def programs(*, controller_manager: bool = False) -> Mapping[str, Path]:
    """The cluster's programs; one that cannot be had fails the test with the reason."""
    extra = {CONTROLLER_MANAGER} if controller_manager else set()
    return find_programs(EVERYTHING | extra, Progress())


def attended(folder: Path) -> Setting:
    """A setting whose processes end with the test run, however that ends."""
    return Setting(StateDirectory(folder), attended=True)


def new_control_plane(folder: Path, *, controller_manager: bool = False) -> ControlPlane:
    """etcd and kube-apiserver, not yet started."""
    found = programs(controller_manager=controller_manager)
    return ControlPlane(attended(folder), found, controller_manager=controller_manager)


def new_nats_server(folder: Path) -> NatsServer:
    """A NATS server with JetStream, not yet started."""
    return NatsServer(attended(folder), programs()["nats-server"])


def new_cluster(folder: Path, size: Size, *, controller_manager: bool = False) -> Cluster:
    """A whole cluster, not yet started."""
    found = programs(controller_manager=controller_manager)
    return Cluster(attended(folder), found, size, controller_manager=controller_manager)
