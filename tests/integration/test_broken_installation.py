"""What somebody took from an installation: one line says it, ``/readyz`` too, and it heals."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml

from distributedjob_local import bootstrap
from distributedjob_local.component import Component, free_port
from distributedjob_local.control_plane import ControlPlane
from tests.support import servers
from tests.support.charts import CHART, NAMESPACE, RELEASE, Kubelet, helm
from tests.support.waiting import wait_until

RESOURCE = "distributedjobs.distributedjob.dev"
Break = Callable[[ControlPlane], None]


@dataclass
class Installation:
    """The chart on a real API server; its operator can be started again and again."""

    api: ControlPlane
    kubelet: Kubelet
    nats: str

    def __post_init__(self) -> None:
        self.listen = f"127.0.0.1:{free_port()}"

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002
        done = self.api.kubectl("-n", NAMESPACE, *arguments, input=input)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def operator(self) -> Component:
        return self.kubelet.operator(self.nats, self.listen)

    def missing(self) -> str:
        """Why the operator is not ready; empty while it is, or does not listen."""
        try:
            answer = requests.get(f"http://{self.listen}/readyz", timeout=10)
        except (requests.ConnectionError, requests.Timeout):
            return ""
        return "" if answer.ok else answer.text.strip()

    def wait_missing(self, *words: str) -> str:
        return wait_until(
            self.missing,
            lambda said: all(word in said for word in words),
            60,
            f"not ready for {words}",
        )

    def wait_led(self) -> None:
        lease = ("get", "lease", RELEASE, "-o", "jsonpath={.spec.holderIdentity}")
        wait_until(lambda: self.kubectl(*lease), bool, 60, "an operator leads")

    def apply(self) -> str:
        """Create a job; its name."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        job = {
            "apiVersion": "distributedjob.dev/v1alpha1",
            "kind": "DistributedJob",
            "metadata": {"name": name},
            "spec": {"completions": 3, "template": {"command": ["true"]}},
        }
        self.kubectl("apply", "-f", "-", input=yaml.safe_dump(job))
        return name

    def wait_complete(self, name: str) -> None:
        self.kubectl("wait", "--for=condition=Complete", f"djob/{name}", "--timeout=60s")

    def mend(self) -> None:
        """What docs/install.md says: an upgrade of the release brings everything back."""
        done = helm(
            *("upgrade", RELEASE, str(CHART), "--namespace", NAMESPACE, "--reuse-values"),
            kubeconfig=self.api.kubeconfig,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The chart, NATS and one worker; no operator yet."""
    with servers.new_control_plane(tmp_path_factory.mktemp("broken")) as api:
        done = helm(
            *("install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--create-namespace"),
            kubeconfig=api.kubeconfig,
        )
        assert done.returncode == 0, done.stderr
        setting = servers.attended(tmp_path_factory.mktemp("release"))
        setting.state.create()
        kubelet = Kubelet(setting, api)
        try:
            url = kubelet.nats(servers.programs()["nats-server"], free_port())
            bootstrap.apply_nodes(api.client, 1, "2")
            kubelet.worker(url, "default")
            yield Installation(api, kubelet, url)
        finally:
            kubelet.stop()


@pytest.fixture
def log(installation: Installation, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """What the operators of this test have written so far; none of them outlives it."""
    component = Component(installation.kubelet.setting, "operator", 2, [], lambda: True)
    component.log.write_text("")
    yield component.log.read_text
    installation.kubelet.stop("operator")


def forbid(kind: str, name: str, resource: str, verb: str = "") -> Break:
    """Take the right to a resource out of a role, or one verb of it."""

    def take(api: ControlPlane) -> None:
        done = api.kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json")
        role = json.loads(done.stdout)
        for rule in role["rules"]:
            if resource in rule["resources"]:
                rule["verbs"] = [each for each in rule["verbs"] if verb and each != verb]
        role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
        done = api.kubectl("replace", "-n", NAMESPACE, "-f", "-", input=json.dumps(role))
        assert done.returncode == 0, done.stderr

    return take


def undefine(api: ControlPlane) -> None:
    done = api.kubectl("delete", "crd", RESOURCE, "--wait")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (undefine, [RESOURCE, "crds.enabled"]),
        (forbid("role", f"{RELEASE}-operator-jobs", "distributedjobs"), ["403", "list", RESOURCE]),
        (
            forbid("clusterrole", f"{NAMESPACE}-{RELEASE}-operator", "nodes"),
            ["403", "list", "nodes"],
        ),
        (forbid("role", f"{RELEASE}-operator-lease", "leases"), ["403", "get", "leases"]),
    ],
    ids=["no definition", "no right to jobs", "no right to nodes", "no right to the Lease"],
)
def test_what_an_operator_needs_to_begin(
    installation: Installation, log: Callable[[], str], broken: Break, named: list[str]
) -> None:
    broken(installation.api)

    operator = installation.operator()
    why = installation.wait_missing(*named)
    installation.mend()

    operator.wait_ready(60)
    installation.wait_complete(installation.apply())
    assert log().count(why) == 1
    assert "Traceback" not in log()


def test_a_right_to_write_that_is_gone_under_a_running_operator(
    installation: Installation, log: Callable[[], str]
) -> None:
    installation.operator().wait_ready(60)
    forbid("role", f"{RELEASE}-operator-jobs", "distributedjobs/status")(installation.api)

    name = installation.apply()
    why = installation.wait_missing("403", "update", "distributedjobs/status")
    installation.mend()

    installation.wait_complete(name)
    wait_until(installation.missing, lambda said: not said, 60, "it is ready again")
    assert log().count(why) == 1


def test_a_deleted_lease(installation: Installation, log: Callable[[], str]) -> None:
    first = installation.operator()
    installation.wait_led()

    installation.kubectl("delete", "lease", RELEASE)
    # Nobody leads without it; kubelet would start the container again.
    assert first.ends_within(60)
    said_before = len(log())
    second = installation.operator()
    why = installation.wait_missing(f"{NAMESPACE}/{RELEASE}")
    installation.mend()

    second.wait_ready(60)
    installation.wait_complete(installation.apply())
    assert "Traceback" not in log()
    assert log()[said_before:].count(why) == 1


def test_a_watch_that_is_refused(installation: Installation, log: Callable[[], str]) -> None:
    forbid("role", f"{RELEASE}-operator-jobs", "distributedjobs", "watch")(installation.api)

    installation.operator()
    installation.wait_led()
    refusal = 'cannot watch resource "distributedjobs"'
    wait_until(log, lambda said: refusal in said, 60, "the refusal is told")
    name = installation.apply()
    installation.mend()

    installation.wait_complete(name)
    assert log().count(refusal) == 1
    assert "Traceback" not in log()
