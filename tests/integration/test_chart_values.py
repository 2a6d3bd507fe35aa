"""Values that would be ignored, or contradict each other: each is named, with the remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.charts import CHART, NAMESPACE, RELEASE, Document, container, helm, render

PASSWORD = "sixteen-letters-long"
SECRET = {"existingSecret": "keys"}


def pool(**fields: Any) -> Document:
    return {"pools": {"default": fields}}


def egress(*rules: Document) -> Document:
    return pool(egress=list(rules))


def nats(**fields: Any) -> Document:
    return {"nats": fields}


def block(cidr: str, **fields: Any) -> Document:
    return {"to": [{"ipBlock": {"cidr": cidr, **fields}}]}


def external(url: str, **fields: Any) -> Document:
    return nats(enabled=False, external={"url": url}, **fields)


@pytest.mark.parametrize(
    ("values", "field", "remedy"),
    [
        (pool(image={"tag": "4"}), "pools.default.image.repository", "name the image"),
        (pool(image={"digest": f"sha256:{'0' * 64}"}), "pools.default.image", "worker.image"),
        ({"worker": {"image": {"repository": ""}}}, "worker.image.repository", "name the image"),
        (external(""), "nats.external.url", "set nats.enabled"),
        (nats(external={"url": "nats://n:4222"}), "nats.external.url", "leave the URL out"),
        (external("nats://n:4222"), "nats.auth", "existingSecret"),
        (
            external("nats://n:4222", auth={"passwords": {"operator": PASSWORD}}),
            "pool-default",
            "passwords.pool-default",
        ),
        (nats(tls={"secretName": "cert"}), "nats.tls.enabled", "set it to true"),
        (nats(tls={"enabled": True}), "nats.tls", "secretName"),
        (
            nats(tls={"enabled": True, "secretName": "cert", "issuerRef": {"name": "ca"}}),
            "nats.tls.issuerRef",
            "leave one of them out",
        ),
        (
            external("tls://n:4222", auth=SECRET, tls={"enabled": True}),
            "nats.tls.secretName",
            "ca.crt",
        ),
        (
            external("nats://n:4222", auth=SECRET, tls={"enabled": True, "secretName": "cert"}),
            "nats.external.url",
            "begin it with tls://",
        ),
        (
            nats(auth={"passwords": {"pool-gpu": PASSWORD}}),
            "nats.auth.passwords.pool-gpu",
            "operator, route, pool-default",
        ),
        (
            nats(auth={**SECRET, "passwords": {"operator": PASSWORD}}),
            "nats.auth.passwords",
            "put them into that Secret",
        ),
        (
            {"operator": {"lease": {"renewDeadlineSeconds": 6}}},
            "operator.lease.renewDeadlineSeconds",
            "lower it",
        ),
        (
            {"operator": {"lease": {"retryPeriodSeconds": 3.5}}},
            "operator.lease.retryPeriodSeconds",
            "lower it",
        ),
        ({"test": {"pool": "gpu"}}, "test.pool", "name one of default"),
        ({"poolDefaults": {"stateSize": None}}, "pools.default.stateSize", "give it a value"),
        (pool(namespaces=["a", "b", "a"]), "pools.default.namespaces", "twice"),
        (
            pool(volumes=[{"name": "disk", "hostPath": {"path": "/"}}]),
            "pools.default.volumes",
            "persistentVolumeClaim",
        ),
        (pool(volumes=[{"emptyDir": {}}]), "pools.default.volumes", "give it one"),
        (pool(volumes=[{"name": "key", "emptyDir": {}}]), "pools.default.volumes", "otherwise"),
        (
            pool(volumeMounts=[{"name": "scenes", "mountPath": "/scenes"}]),
            "pools.default.volumeMounts",
            "name one of the pool's volumes",
        ),
        (
            pool(
                volumes=[{"name": "d", "emptyDir": {}}],
                volumeMounts=[{"name": "d", "mountPath": "/opt"}],
            ),
            "pools.default.volumeMounts",
            "mount it elsewhere",
        ),
        (egress({"ports": [{"port": 443}]}), "pools.default.egress", "169.254.169.254/32"),
        (egress(block("0.0.0.0/0")), "pools.default.egress", "169.254.169.254/32"),
        (egress(block("::/0")), "pools.default.egress", "fd00:ec2::254/128"),
    ],
)
def test_what_makes_no_sense_together(
    values: Document, field: str, remedy: str, tmp_path: Path
) -> None:
    said = refused(values, tmp_path)
    assert field in said
    assert remedy in said


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (pool(cpu={"reserve": "1Gi"}), "/pools/default/cpu/reserve"),
        (pool(cpu={"reserve": -1}), "/pools/default/cpu/reserve"),
        (pool(cpu={"shares": 1}), "shares"),
        (pool(stateSize=None), "/pools/default/stateSize"),
        ({"nats": None}, "nats"),
        ({"operator": {"lease": None}}, "lease"),
        ({"networkPolicy": {"dns": {"ports": [0]}}}, "/networkPolicy/dns/ports"),
        ({"networkPolicy": {"apiServer": {"ports": []}}}, "/networkPolicy/apiServer/ports"),
        ({"rbac": {"aggregated": True}}, "aggregated"),
    ],
)
def test_what_the_schema_refuses(values: Document, field: str, tmp_path: Path) -> None:
    assert field in refused(values, tmp_path)


def refused(values: Document, folder: Path) -> str:
    """What helm says of these values."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    done = helm("template", RELEASE, str(CHART), "--kube-version", "1.37.2", "-f", str(file))
    assert done.returncode != 0
    return done.stderr


def rendered(values: Document, folder: Path) -> list[Document]:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    return render("-f", str(file))


def find(documents: list[Document], kind: str, name: str) -> Document:
    found = [d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{kind} {name}"
    return found[0]


def variable(workload: Document, name: str) -> str:
    return next(str(e["value"]) for e in container(workload)["env"] if e["name"] == name)


@pytest.mark.parametrize(("reserve", "given"), [(1, "1"), (0.5, "0.5"), ("250m", "250m")])
def test_a_reserve_is_a_quantity_or_a_number(reserve: object, given: str, tmp_path: Path) -> None:
    documents = rendered(pool(cpu={"reserve": reserve}), tmp_path)
    worker = find(documents, "DaemonSet", f"{RELEASE}-worker-default")
    assert variable(worker, "DJOB_CPU_RESERVE") == given


def test_all_servers_keep_the_journal(tmp_path: Path) -> None:
    documents = rendered(nats(replicas=3), tmp_path)
    operator = find(documents, "Deployment", f"{RELEASE}-operator")
    assert variable(operator, "DJOB_JOURNAL_REPLICAS") == "3"


def test_a_new_pool_or_password_restarts_no_server_and_another_size_does(tmp_path: Path) -> None:
    def annotations(values: Document) -> Document:
        found = find(rendered(values, tmp_path), "StatefulSet", f"{RELEASE}-nats")
        return dict(found["spec"]["template"]["metadata"]["annotations"])

    before = annotations({})
    assert annotations({"pools": {"late": {}}}) == before
    assert annotations(nats(auth={"passwords": {"operator": PASSWORD}})) == before
    assert annotations(nats(storage={"size": "6Gi"})) != before


@pytest.mark.parametrize(
    ("dns", "peers", "port"),
    [
        ({}, "kube-system", 53),
        ({"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}]}, "169.254.20.10/32", 53),
        ({"ports": [5353]}, "kube-system", 5353),
        ({"to": []}, "null", 53),
    ],
)
def test_where_names_are_asked_for(dns: Document, peers: str, port: int, tmp_path: Path) -> None:
    documents = rendered({"networkPolicy": {"dns": dns}}, tmp_path)
    (rule,) = find(documents, "NetworkPolicy", f"{RELEASE}-dns")["spec"]["egress"]
    assert peers in json.dumps(rule.get("to"))
    assert [(each["port"], each["protocol"]) for each in rule["ports"]] == [
        (port, "UDP"),
        (port, "TCP"),
    ]


def test_no_policy_goes_by_the_name_of_a_port() -> None:
    documents = render("--values", str(CHART / "ci" / "full-values.yaml"))
    policies = [each["spec"] for each in documents if each["kind"] == "NetworkPolicy"]
    rules = [
        rule for each in policies for way in ("ingress", "egress") for rule in each.get(way, ())
    ]
    ports = {port["port"] for rule in rules for port in rule.get("ports", ())}
    assert {53, 443, 4222, 6222, 6443, 8080} <= ports
    assert all(isinstance(port, int) for port in ports)


def test_tasks_reach_the_metadata_service_only_where_somebody_says_so(tmp_path: Path) -> None:
    documents = rendered(egress(block("0.0.0.0/0", **{"except": []})), tmp_path)
    policy = find(documents, "NetworkPolicy", f"{RELEASE}-worker-default")
    assert block("0.0.0.0/0", **{"except": []}) in policy["spec"]["egress"]


def test_nobody_gets_the_right_to_run_code_by_default() -> None:
    documents = render()
    labels = [d["metadata"]["labels"] for d in documents if d["kind"] == "ClusterRole"]
    assert not [key for each in labels for key in each if "aggregate-to" in key]
    subjects = [s for d in documents if "subjects" in d for s in d["subjects"]]
    assert {each["kind"] for each in subjects} == {"ServiceAccount"}


def test_a_chart_above_this_one_may_switch_it_on(tmp_path: Path) -> None:
    """`condition: distributedjob.enabled` puts the value among this chart's own."""
    above = tmp_path / "above"
    (above / "charts").mkdir(parents=True)
    (above / "charts" / "distributedjob").symlink_to(CHART)
    dependency = {"name": "distributedjob", "version": "*", "condition": "distributedjob.enabled"}
    chart = {"apiVersion": "v2", "name": "above", "version": "1.0.0", "dependencies": [dependency]}
    (above / "Chart.yaml").write_text(yaml.safe_dump(chart))

    def kinds(enabled: str) -> str:
        on = ("--set", f"distributedjob.enabled={enabled}", "--namespace", NAMESPACE)
        done = helm("template", "r", str(above), "--kube-version", "1.37.2", *on)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "kind: DaemonSet" in kinds("true")
    assert "kind: DaemonSet" not in kinds("false")
