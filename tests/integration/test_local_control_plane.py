"""The embedded API server, as plain kubectl and the other tests meet it."""

from distributedjob_local import bootstrap
from distributedjob_local.control_plane import ControlPlane


def test_kubectl_verifies_the_server_and_finds_the_resource(
    control_plane: ControlPlane, namespace: str
) -> None:
    listed = control_plane.kubectl("get", "distributedjobs", "--namespace", namespace)

    assert listed.returncode == 0, listed.stderr
    assert "insecure" not in control_plane.kubeconfig.read_text(encoding="utf-8")


def test_nodes_are_ready_and_follow_the_wanted_number(control_plane: ControlPlane) -> None:
    bootstrap.apply_nodes(control_plane.client, 2, "500m")
    fields = (
        "{range .items[*]}{.metadata.name} {.status.allocatable.cpu} {.spec.taints}{'\\n'}{end}"
    )
    two = control_plane.kubectl("get", "nodes", f"--output=jsonpath={fields}")
    bootstrap.apply_nodes(control_plane.client, 1, "2")
    one = control_plane.kubectl("get", "nodes", f"--output=jsonpath={fields}")
    bootstrap.apply_nodes(control_plane.client, 0, "1")

    assert [line.split() for line in two.stdout.splitlines()] == [
        ["node-1", "500m"],
        ["node-2", "500m"],
    ]
    assert [line.split() for line in one.stdout.splitlines()] == [["node-1", "2"]]
