"""``djob`` asks for a port-forward of a real kubectl: what is said where none comes about.

One that comes about needs a kubelet: tests/e2e has it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distributedjob_cli.client.forward import open_tunnel, written
from distributedjob_cli.client.http import EndpointError, Unreachable
from distributedjob_cli.client.kubeconfig import read_kubeconfig
from distributedjob_cli.client.way import Forward
from distributedjob_local import bootstrap
from distributedjob_local.control_plane import ControlPlane
from tests.e2e.users import reach_role
from tests.support import servers

PLACE = "djob-system"
WAY = Forward(PLACE, "operator-1", 8080)
LEASE = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {
        "name": "distributedjob",
        "annotations": {"distributedjob.dev/endpoint": "http://operator.djob-system.svc:8080"},
    },
    "spec": {"holderIdentity": "operator-1_0a1b2c3d"},
}


@pytest.fixture
def token(control_plane: ControlPlane) -> Iterator[str]:
    """That of an account without any right, beside a Lease that a pod holds."""

    def kubectl(*arguments: str, document: object = None) -> str:
        done = control_plane.kubectl(*arguments, input=json.dumps(document) if document else None)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    bootstrap.apply_namespace(control_plane.client, PLACE)
    kubectl("create", "-n", PLACE, "-f", "-", document=LEASE)
    kubectl("create", "serviceaccount", "user", "-n", PLACE)
    yield kubectl("create", "token", "user", "-n", PLACE)
    # The namespace stays: no controller is here that would empty it.
    kubectl("delete", "-n", PLACE, "serviceaccount/user", "lease/distributedjob")


def kubectl_of(kubeconfig: Path) -> list[str]:
    return [str(servers.programs()["kubectl"]), f"--kubeconfig={kubeconfig}"]


def test_a_pod_that_is_gone_may_be_another_one_soon(control_plane: ControlPlane) -> None:
    bootstrap.apply_namespace(control_plane.client, PLACE)
    with pytest.raises(Unreachable, match='pods "operator-1" not found'):
        open_tunnel(kubectl_of(control_plane.kubeconfig), WAY)


def test_whoever_may_not_is_told_which_rights_that_takes(
    control_plane: ControlPlane, token: str
) -> None:
    cluster = read_kubeconfig(control_plane.kubeconfig, "").cluster
    with (
        written(cluster, token) as kubeconfig,
        pytest.raises(EndpointError, match="needs a Role with get pods and create, get") as raised,
    ):
        open_tunnel(kubectl_of(kubeconfig), WAY)
    assert 'pods "operator-1" is forbidden' in str(raised.value)
    assert not isinstance(raised.value, Unreachable)


def test_a_verb_goes_by_the_lease_to_the_leader_s_pod(
    control_plane: ControlPlane, token: str, tmp_path: Path
) -> None:
    role = {**reach_role(), "rules": reach_role()["rules"][:1]}
    control_plane.kubectl("create", "-f", "-", input=json.dumps(role))
    control_plane.kubectl(
        *("create", "rolebinding", "user", "-n", PLACE, "--role=djob-reach"),
        f"--serviceaccount={PLACE}:user",
    )
    (tmp_path / "kubectl").symlink_to(servers.programs()["kubectl"])

    done = subprocess.run(
        [sys.executable, "-m", "distributedjob_cli", "nodes"],
        env={
            **os.environ,
            "KUBECONFIG": str(control_plane.kubeconfig),
            "DJOB_TOKEN": token,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "may not forward a port to pod djob-system/operator-1, which leads" in done.stderr
    control_plane.kubectl("delete", "-n", PLACE, "role/djob-reach", "rolebinding/user")
