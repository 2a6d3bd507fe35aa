"""The chart on a real API server: accepted as a whole, and rights enough for the real programs."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from nats.aio.client import Client

from distributedjob_api.subjects import Subjects
from distributedjob_local import bootstrap
from distributedjob_local.component import free_port
from distributedjob_local.control_plane import ControlPlane
from tests.support import servers
from tests.support.charts import (
    CHART,
    NAMESPACE,
    RELEASE,
    Document,
    Kubelet,
    helm,
    literals,
    render,
)
from tests.support.waiting import wait_until

FOREIGN_GROUPS = ("monitoring.coreos.com", "cert-manager.io")
GITOPS = CHART.parents[1] / "gitops"
SUBJECTS = Subjects(f"{NAMESPACE}/{RELEASE}")


@pytest.mark.parametrize(
    "values", sorted((CHART / "ci").glob("*.yaml")), ids=lambda file: file.stem
)
def test_the_api_server_takes_every_object(control_plane: ControlPlane, values: Path) -> None:
    documents = render("--values", str(values))
    bootstrap.apply_namespace(control_plane.client, NAMESPACE)
    bootstrap.apply_namespace(control_plane.client, "team-a")
    restricted = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
    control_plane.kubectl("label", "--overwrite", "namespace", NAMESPACE, *restricted)
    known = [each for each in documents if each["apiVersion"].split("/")[0] not in FOREIGN_GROUPS]
    # A pod is refused, also for a trial, while its account is not there.
    accounts = [each for each in known if each["kind"] == "ServiceAccount"]
    made = control_plane.kubectl(
        "apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(accounts)
    )
    assert made.returncode == 0, made.stderr
    done = control_plane.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-"),
        input=yaml.safe_dump_all(known),
    )
    # PodSecurity warns of a workload whose pods it would refuse.
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(known)


def test_the_api_server_takes_the_plain_manifests(control_plane: ControlPlane) -> None:
    bootstrap.apply_namespace(control_plane.client, NAMESPACE)
    options = ("--server-side", "--dry-run=server", "--force-conflicts")
    done = control_plane.kubectl("apply", *options, "-k", str(GITOPS / "kustomize"))
    assert done.returncode == 0, done.stderr
    assert "daemonset.apps/distributedjob-worker-default" in done.stdout


def test_users_are_told_of_the_service_or_of_the_address_that_was_set() -> None:
    urls = []
    for options in ((), ("--set", "operator.endpointUrl=https://jobs.example.com")):
        operator = next(each for each in render(*options) if each["kind"] == "Deployment")
        urls.append(literals(operator)["DJOB_ENDPOINT_URL"])
    assert urls == [
        f"http://{RELEASE}-operator.{NAMESPACE}.svc:8080", "https://jobs.example.com",
    ]  # fmt: skip


def test_no_role_of_the_chart_lets_anybody_forward_a_port() -> None:
    documents = render("--values", str(CHART / "ci" / "full-values.yaml"))
    roles = [each for each in documents if each["kind"] in ("Role", "ClusterRole")]
    assert roles
    granted = {
        resource for role in roles for rule in role["rules"] for resource in rule["resources"]
    }
    assert not {resource for resource in granted if resource.startswith(("pods", "*"))}


def test_every_user_of_nats_has_a_password_of_its_own() -> None:
    documents = render("--values", str(CHART / "ci" / "full-values.yaml"))
    files = next(each["data"] for each in documents if "nats.json" in each.get("data", {}))
    settings = json.loads(files["nats.json"])
    users = [each["user"] for each in settings["authorization"]["users"]]
    assert users == ["operator", "pool-default", "pool-gpu"]
    assert not {"no_auth_user", "allow_non_tls"} & settings.keys()
    secret = next(each["data"] for each in documents if each["kind"] == "Secret")
    assert secret.keys() == {*users, "route"}
    assert len({*secret.values()}) == len(secret)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with nothing of ours but a namespace that a pool serves."""
    with servers.new_control_plane(tmp_path_factory.mktemp("chart")) as started:
        bootstrap.apply_namespace(started.client, "team-a")
        yield started


@pytest.fixture(scope="module")
def installed(api: ControlPlane) -> ControlPlane:
    """The chart installed: a pool for its own namespace, one for another."""
    done = helm(
        *("install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--create-namespace"),
        *("--set", "pools.gpu.namespaces={team-a}"),
        kubeconfig=api.kubeconfig,
    )
    assert done.returncode == 0, done.stderr
    return api


@pytest.fixture(scope="module")
def running(
    installed: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ControlPlane, Kubelet, str]]:
    """Operator, workers of both pools and NATS with nothing but what the chart gives them."""
    setting = servers.attended(tmp_path_factory.mktemp("release"))
    setting.state.create()
    kubelet = Kubelet(setting, installed)
    try:
        url = kubelet.nats(servers.programs()["nats-server"], free_port())
        bootstrap.apply_nodes(installed.client, 1, "2")
        kubelet.operator(url, f"127.0.0.1:{free_port()}").wait_ready(60)
        for pool in ("default", "gpu"):
            kubelet.worker(url, pool).wait_ready(60)
        yield installed, kubelet, url
    finally:
        kubelet.stop()


def apply(api: ControlPlane, namespace: str, pool: str, **spec: Any) -> str:
    """Create a job; its name."""
    name = f"job-{uuid.uuid4().hex[:8]}"
    job = {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"completions": 3, "pool": pool, "template": {"command": ["true"]}, **spec},
    }
    done = api.kubectl("apply", "-f", "-", input=yaml.safe_dump(job))
    assert done.returncode == 0, done.stderr
    return name


def status(api: ControlPlane, namespace: str, name: str) -> Document:
    found = json.loads(api.kubectl("get", "djob", name, "-n", namespace, "-o", "json").stdout)
    return dict(found.get("status", {}))


def reason(api: ControlPlane, namespace: str, name: str) -> str:
    conditions = status(api, namespace, name).get("conditions", ())
    return next((each["reason"] for each in conditions if each["type"] == "Reconciling"), "")


@pytest.mark.parametrize(("namespace", "pool"), [(NAMESPACE, "default"), ("team-a", "gpu")])
def test_the_rights_of_the_chart_suffice(
    running: tuple[ControlPlane, Kubelet, str], namespace: str, pool: str
) -> None:
    api, _, _ = running
    api.kubectl("create", "configmap", "items", "-n", namespace, "--from-literal=list=a\nb\nc")
    items = {"configMapKeyRef": {"name": "items", "key": "list"}}
    spec = {"completions": None, "itemsFrom": items, "ttlSecondsAfterFinished": 2}
    # Of a job that is over at once no Event tells.
    name = apply(api, namespace, pool, template={"command": ["sleep", "0.5"]}, **spec)
    phase = partial(status, api, namespace, name)
    wait_until(phase, lambda seen: seen.get("phase") == "Complete", 30, "the end of the job")
    events = api.kubectl("get", "events", "-n", namespace, "-o", "jsonpath={.items[*].reason}")
    assert "CompletionsReached" in events.stdout
    # The time to live ends with a DELETE.
    gone = ("get", "djob", name, "-n", namespace, "--ignore-not-found", "-o", "name")
    wait_until(lambda: api.kubectl(*gone).stdout, lambda left: not left, 30, "its deletion")


def test_a_pool_runs_no_job_of_a_namespace_that_it_does_not_serve(
    running: tuple[ControlPlane, Kubelet, str],
) -> None:
    api, _, _ = running
    name = apply(api, "team-a", "default")
    said = partial(reason, api, "team-a", name)
    wait_until(said, lambda word: word == "PoolNotServed", 30, "the reason")


def permissions(url: str, user: str, password: str, subject: str, verb: str) -> bool:
    """Whether the server lets a user publish or subscribe."""

    async def tried() -> bool:
        refusals: list[str] = []

        async def on_error(error: Exception) -> None:
            refusals.append(str(error))

        client = Client()
        try:
            await client.connect(
                url, user=user, password=password, error_cb=on_error, allow_reconnect=False
            )
            if verb == "publish":
                await client.publish(subject, b"")
            else:
                await client.subscribe(subject)
            # The client's first ping may overtake what it has yet to send; the server answers
            # in order, so that a refusal comes before the second pong.
            await client.flush()
            await client.flush()
        finally:
            await client.close()
        return not any("permissions" in each.lower() for each in refusals)

    return asyncio.run(tried())


@pytest.mark.parametrize(
    ("verb", "subject", "allowed"),
    [
        ("publish", SUBJECTS.leader("default", "node-1"), True),
        ("publish", SUBJECTS.journal("default", "uid"), True),
        ("subscribe", SUBJECTS.worker("default", "node-1"), True),
        ("subscribe", SUBJECTS.announce(), True),
        ("subscribe", "_INBOX_worker.default.x.*", True),
        ("publish", SUBJECTS.leader("gpu", "node-1"), False),
        ("publish", SUBJECTS.journal("gpu", "uid"), False),
        ("publish", SUBJECTS.worker("default", "node-1"), False),
        ("publish", SUBJECTS.announce(), False),
        ("publish", f"$JS.API.STREAM.PURGE.{SUBJECTS.journal_stream()}", False),
        ("publish", f"$JS.ACK.{SUBJECTS.journal_stream()}.c.1.1.1.1.0", False),
        ("subscribe", SUBJECTS.worker("gpu", "node-1"), False),
        ("subscribe", SUBJECTS.leader("default", "node-1"), False),
        ("subscribe", SUBJECTS.every_journal(), False),
        ("subscribe", "_INBOX_worker.gpu.x.*", False),
        ("subscribe", "_INBOX_worker.>", False),
        ("subscribe", "_INBOX_operator.>", False),
        ("subscribe", ">", False),
    ],
)
def test_the_key_of_a_pool_opens_that_pool_alone(
    running: tuple[ControlPlane, Kubelet, str], verb: str, subject: str, allowed: bool
) -> None:
    _, kubelet, url = running
    password = kubelet.key("pool-default").read_text()
    assert permissions(url, "pool-default", password, subject, verb) is allowed


def test_nobody_connects_without_a_key(running: tuple[ControlPlane, Kubelet, str]) -> None:
    _, _, url = running
    with pytest.raises(Exception, match=r"(?i)authorization"):
        permissions(url, "", "", "x", "publish")


@pytest.mark.parametrize(
    ("verb", "what", "namespace"),
    [
        ("create", "leases", NAMESPACE),
        ("delete", f"lease/{RELEASE}", NAMESPACE),
        ("get", "lease/other", NAMESPACE),
        ("get", "secrets", NAMESPACE),
        ("create", "pods", NAMESPACE),
        ("create", "pods/exec", NAMESPACE),
        ("get", "nodes/proxy", NAMESPACE),
        ("update", "distributedjobs", NAMESPACE),
        ("list", "distributedjobs", "default"),
        ("get", "configmaps", "default"),
    ],
)
def test_what_the_operator_may_not(
    installed: ControlPlane, verb: str, what: str, namespace: str
) -> None:
    account = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-operator"
    asked = installed.kubectl("auth", "can-i", verb, what, "-n", namespace, f"--as={account}")
    assert asked.stdout.strip() == "no", asked


def test_keys_are_kept_over_an_upgrade_and_the_crd_over_the_end(
    api: ControlPlane, installed: ControlPlane
) -> None:
    def keys() -> Document:
        name = f"{RELEASE}-nats-keys"
        found = api.kubectl("get", "secret", name, "-n", NAMESPACE, "-o", "json")
        return dict(json.loads(found.stdout)["data"])

    before = keys()
    done = helm(
        *("upgrade", RELEASE, str(CHART), "--namespace", NAMESPACE, "--reuse-values"),
        *("--set", "pools.late.maxUnavailable=1"),
        kubeconfig=api.kubeconfig,
    )
    assert done.returncode == 0, done.stderr
    after = keys()
    assert set(after) - set(before) == {"pool-late"}
    assert before.items() <= after.items()
    done = helm("uninstall", RELEASE, "--namespace", NAMESPACE, kubeconfig=api.kubeconfig)
    assert done.returncode == 0, done.stderr
    everything = "all,secrets,configmaps,leases,roles,rolebindings,networkpolicies,pdb"
    left = api.kubectl(
        "get", everything, "-n", NAMESPACE, "-l", "app.kubernetes.io/instance", "-o", "name"
    )
    assert left.stdout == ""
    assert api.kubectl("get", "crd", "distributedjobs.distributedjob.dev").returncode == 0
