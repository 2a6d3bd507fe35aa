"""How ``djob`` gets to the leader: by the Lease, and by a port of its pod where it must."""

import json
import os
import subprocess
import sys

import pytest
import requests

from distributedjob_cli.client.forward import open_tunnel
from distributedjob_cli.client.http import EndpointError, Unreachable
from distributedjob_cli.client.lease import Lease
from distributedjob_cli.client.route import Found
from distributedjob_cli.client.way import Direct, Forward, namespace_of, pod_of, refused, way_to
from tests.support.waiting import wait_until

LEASE = "/apis/coordination.k8s.io/v1/namespaces/djob-system/leases/distributedjob"
SERVICE = "http://distributedjob-operator.djob-system.svc:8080"
WAY = Forward("djob-system", "operator-7d9f-x", 8080)


def a_lease(holder="operator-7d9f-x_0a1b2c3d", endpoint=SERVICE):
    annotations = {"distributedjob.dev/endpoint": endpoint} if endpoint else {}
    return {"metadata": {"annotations": annotations}, "spec": {"holderIdentity": holder}}


# -- which way ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "way"),
    [
        ("http://127.0.0.1:8080", Direct("http://127.0.0.1:8080")),
        ("http://localhost:8080", Direct("http://localhost:8080")),
        ("https://jobs.example.com", Direct("https://jobs.example.com")),
        ("https://op.djob-system.svc:8443", Direct("https://op.djob-system.svc:8443")),
        (SERVICE, WAY),
        (SERVICE.replace(".svc", ".svc.cluster.local"), WAY),
        ("http://op.other.svc", Forward("other", WAY.pod, 80)),
    ],
)
def test_the_address_decides_the_way(endpoint, way):
    assert way_to(Lease("n", "l", "operator-7d9f-x_0a1b2c3d", endpoint)) == way


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://10.0.0.1:8080",
        "http://jobs.example.com",
        "http://svc",
        "http://a.svc",
        "http://svc.b.c",
    ],
)
def test_no_token_goes_anywhere_else_unencrypted(endpoint):
    assert namespace_of(endpoint) == ""
    with pytest.raises(EndpointError, match="will not send a token unencrypted to http://"):
        way_to(Lease("n", "l", "pod_1", endpoint))


def test_a_lease_without_an_address_or_a_holder_says_so():
    with pytest.raises(EndpointError, match="Lease n/l names no endpoint; name another Lease"):
        way_to(Lease("n", "l", "pod_1", ""))
    with pytest.raises(Unreachable, match="nobody holds Lease n/l"):
        way_to(Lease("n", "l", "", SERVICE))


@pytest.mark.parametrize(
    ("holder", "pod"), [("op-1_ab12", "op-1"), ("op_x_ab12", "op_x"), ("op-1", "op-1")]
)
def test_the_holder_s_name_begins_with_its_pod_s(holder, pod):
    assert pod_of(holder) == pod


def test_whoever_may_not_forward_a_port_is_told_which_rights_that_needs():
    words = 'pods "x" is forbidden: User "u" cannot create resource "pods/portforward"'
    said = str(refused(WAY, words))
    assert "may not forward a port to pod djob-system/operator-7d9f-x" in said
    assert "get pods and create, get pods/portforward in namespace djob-system" in said
    assert not isinstance(refused(WAY, words), Unreachable)
    assert isinstance(refused(WAY, 'pods "x" not found'), Unreachable)


# -- the Lease is read -------------------------------------------------------------


@pytest.fixture
def by_lease(djob, monkeypatch, servers):
    """Runs a verb that finds the operator by its Lease."""
    monkeypatch.delenv("DJOB_ENDPOINT")
    monkeypatch.setattr("distributedjob_cli.client.endpoint.STANDBY_SECONDS", 0.0)
    return lambda *arguments, **environment: djob(*arguments, DJOB_ENDPOINT="", **environment)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((404, {}), "no operator: there is no Lease djob-system/distributedjob; name another"),
        ((401, {}), "does not know this token"),
        ((403, {"message": "may not"}), "may not; name another Lease"),
        (a_lease(endpoint=""), "names no endpoint"),
        (b"<html>", "is no Kubernetes API server"),
        (b"[]", "is no Kubernetes API server"),
        ({"metadata": 7, "spec": []}, "names no endpoint"),
        (a_lease(endpoint="http://10.0.0.1"), "unencrypted"),
        (a_lease(holder=""), "nobody holds Lease djob-system/distributedjob"),
    ],
    ids=["no lease", "token", "forbidden", "nothing", "no API", "array", "odd", "plain", "free"],
)  # fmt: skip
def test_without_an_endpoint_the_reason_is_said(by_lease, servers, answer, message):
    servers.answers[LEASE] = answer
    done = by_lease("nodes")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert message in done.stderr
    assert all("/v1/nodes" not in request.url for request in servers.asked)


def test_the_lease_names_the_endpoint(by_lease, servers):
    servers.answers |= {
        LEASE: a_lease(endpoint="https://jobs.example.com/djob"),
        "/djob/v1/nodes": [],
    }
    assert by_lease("nodes").exit_code == 0
    assert [request.url for request in servers.asked] == [
        f"http://127.0.0.1:2{LEASE}", "https://jobs.example.com/djob/v1/nodes",
    ]  # fmt: skip


# -- a port of the leader's pod ----------------------------------------------------


@pytest.fixture
def kubectl(tmp_path, monkeypatch):
    """A kubectl in PATH that notes its arguments, its kubeconfig and its end, and says its part."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def says(*words: str, code: int | None = None) -> None:
        body = "\n".join(f"echo '{line}'" for line in words)
        stay = f"exit {code}" if code is not None else "while :; do sleep 0.05; done"
        (folder / "kubectl").write_text(
            f"""#!/bin/sh
echo "$*" >> {tmp_path}/arguments
for word in "$@"; do
  case $word in --kubeconfig=*) cp "${{word#*=}}" {tmp_path}/used ;; esac
done
trap 'echo ended >> {tmp_path}/ended; exit 0' TERM
{body}
{stay}
"""
        )
        (folder / "kubectl").chmod(0o755)

    says("Forwarding from 127.0.0.1:1 -> 8080")
    return says


def test_a_port_of_the_leader_s_pod_is_forwarded_as_the_user_and_given_back(
    by_lease, servers, kubectl, tmp_path
):
    servers.answers |= {LEASE: a_lease(), "/v1/nodes": []}
    done = by_lease("nodes", "--context", "x", DJOB_TOKEN="")
    assert (done.exit_code, done.stderr) == (0, "")
    assert servers.asked[-1].url == "http://127.0.0.1:1/v1/nodes"
    assert servers.asked[-1].headers["Authorization"] == "Bearer secret"
    assert (tmp_path / "arguments").read_text() == (
        "--context=x port-forward --namespace=djob-system --address=127.0.0.1"
        " --pod-running-timeout=10s pod/operator-7d9f-x :8080\n"
    )
    assert (tmp_path / "ended").read_text() == "ended\n"


def test_a_token_that_was_given_stands_in_no_argument(by_lease, servers, kubectl, tmp_path):
    servers.answers |= {LEASE: a_lease(), "/v1/nodes": []}
    assert by_lease("nodes", DJOB_TOKEN="given").exit_code == 0
    assert "given" not in (tmp_path / "arguments").read_text()
    used = json.loads((tmp_path / "used").read_text())
    assert used["users"][0]["user"] == {"token": "given"}
    assert used["clusters"][0]["cluster"] == {"server": "http://127.0.0.1:2"}
    path = (tmp_path / "arguments").read_text().split()[0].partition("=")[2]
    assert not os.path.exists(path)


def test_a_certificate_forwards_the_port_and_a_given_token_asks_the_operator(
    by_lease, servers, kubectl, tmp_path, djob_config
):
    djob_config(user={"client-certificate-data": "eA==", "client-key-data": "eA=="})
    servers.answers |= {LEASE: a_lease(), "/v1/nodes": []}
    assert by_lease("nodes", DJOB_TOKEN="given").exit_code == 0
    assert (tmp_path / "arguments").read_text().startswith("port-forward ")
    assert servers.asked[-1].headers["Authorization"] == "Bearer given"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('Error from server (Forbidden): pods "x" is forbidden', "that needs a Role with get pods"),
        (
            "error: unable to forward port because pod is not running",
            "cannot forward a port to pod",
        ),
        ("", "kubectl ended"),
    ],
)
def test_what_kubectl_says_is_handed_on(by_lease, servers, kubectl, said, message):
    kubectl(said, code=1)
    servers.answers[LEASE] = a_lease()
    done = by_lease("nodes")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert message in done.stderr
    assert said in done.stderr


def test_without_kubectl_it_is_said_what_to_do(by_lease, servers, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    servers.answers[LEASE] = a_lease()
    done = by_lease("nodes")
    assert done.exit_code == 1
    assert "there is no kubectl in PATH to forward a port; install it, or pass" in done.stderr


def test_kubectl_ends_when_what_runs_over_it_fails(by_lease, servers, kubectl, tmp_path):
    servers.answers |= {LEASE: a_lease(), "/v1/nodes": (403, b"needs the right to list nodes\n")}
    assert by_lease("nodes").exit_code == 1
    assert (tmp_path / "ended").read_text() == "ended\n"


def test_kubectl_ends_with_djob_even_by_kill_9(kubectl, tmp_path):
    program = (
        "import time; from distributedjob_cli.client.forward import open_tunnel;"
        "from distributedjob_cli.client.way import Forward;"
        "print(open_tunnel(['kubectl'], Forward('n', 'p', 1)).url, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"http://127.0.0.1:1\n"
        process.kill()
    ended = tmp_path / "ended"
    wait_until(ended.exists, lambda there: there, 30, "kubectl has ended")


def test_a_tunnel_that_ended_is_known_to_have(kubectl):
    kubectl("Forwarding from 127.0.0.1:7 -> 8080", code=0)
    tunnel = open_tunnel(["kubectl"], WAY)
    assert tunnel.url == "http://127.0.0.1:7"
    tunnel.close()
    assert not tunnel.open


# -- the leader changes ------------------------------------------------------------


class Tunnel:
    """One that is open until a test says otherwise."""

    def __init__(self, way):
        self.url, self.open, self.closed = f"http://{way.pod}", True, False

    def close(self):
        self.closed = True


def test_a_way_is_kept_until_it_is_lost_or_its_tunnel_ends():
    leases = iter(Lease("n", "l", f"pod-{number}_x", SERVICE) for number in (1, 2, 3))
    opened = []

    def forward(_, way):
        opened.append(Tunnel(way))
        return opened[-1]

    route = Found(lambda: next(leases), forward)
    assert [route.url(), route.url()] == ["http://pod-1"] * 2
    assert route.lost()
    assert opened[0].closed
    assert route.url() == "http://pod-2"
    opened[1].open = False
    assert route.url() == "http://pod-3"
    route.close()
    assert all(tunnel.closed for tunnel in opened)


def test_a_command_goes_on_with_the_next_leader(by_lease, servers, monkeypatch):
    monkeypatch.setattr("distributedjob_cli.client.endpoint.STANDBY_SECONDS", 60.0)
    monkeypatch.setattr("distributedjob_cli.client.endpoint.STANDBY_PAUSE", 0.0)
    leases = iter(["https://old", "https://standby", "https://new"])
    answers = {
        "https://old/v1/nodes": requests.ConnectionError("gone"),
        "https://standby/v1/nodes": (421, b"this replica stands by"),
        "https://new/v1/nodes": [],
    }
    servers.answers |= {
        LEASE: lambda _: a_lease(endpoint=next(leases)),
        "/v1/nodes": lambda request: answers[request.url],
    }
    done = by_lease("nodes")
    assert (done.exit_code, done.stderr) == (0, "")


def test_an_address_that_was_given_is_tried_once(djob, servers):
    servers.answers["/v1/nodes"] = requests.ConnectionError("refused")
    done = djob("nodes", "--endpoint", "https://jobs.example.com")
    assert (done.exit_code, len(servers.asked)) == (1, 1)
    assert "the operator at https://jobs.example.com does not answer" in done.stderr
