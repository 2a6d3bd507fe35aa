"""Real parts as fixtures: an API server and NATS for the session, whole clusters on demand."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from distributedjob_local import bootstrap
from distributedjob_local.cluster import Cluster
from distributedjob_local.control_plane import ControlPlane
from distributedjob_local.nats_server import NatsServer
from distributedjob_local.size import Size
from tests.support import servers
from tests.support.jobs import Jobs
from tests.support.tasks import Ledger


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """etcd and kube-apiserver with the CRD applied; no controllers, no operator."""
    with servers.new_control_plane(tmp_path_factory.mktemp("control-plane")) as started:
        bootstrap.apply_resource(started.client)
        yield started


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """NATS with JetStream and its users ``operator`` and ``worker``."""
    with servers.new_nats_server(tmp_path_factory.mktemp("nats")) as started:
        yield started


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """A namespace that no other test uses, on ``control_plane``."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    bootstrap.apply_namespace(control_plane.client, name)
    return name


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Starts whole clusters: ``cluster(nodes=3, cpus="1", operators=1)``."""
    with ExitStack() as running:

        def start(
            *, nodes: int = 2, cpus: str = "1", operators: int = 1, controller_manager: bool = False
        ) -> Cluster:
            folder = tmp_path / f"cluster-{uuid.uuid4().hex[:8]}"
            size = Size(nodes=nodes, cpus=cpus, operators=operators)
            return running.enter_context(
                servers.new_cluster(folder, size, controller_manager=controller_manager)
            )

        yield start


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes of one CPU for tests that leave it as they found it."""
    size = Size(nodes=3, cpus="1", operators=1)
    with servers.new_cluster(tmp_path_factory.mktemp("shared"), size) as started:
        yield started


@pytest.fixture
def jobs(shared_cluster: Cluster) -> Jobs:
    """A namespace of its own on the cluster that the tests share."""
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    bootstrap.apply_namespace(shared_cluster.api, name)
    return Jobs(shared_cluster, name)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A file outside the system, where runs are counted."""
    return Ledger(tmp_path / "ledger")
