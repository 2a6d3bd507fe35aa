"""What the chart makes of its values."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.charts import CHART, NAMESPACE, RELEASE, Document, container, helm, render

PASSWORD = "sixteen-letters-long"


def pool(**fields: Any) -> Document:
    return {"pools": {"default": fields}}


def egress(*rules: Document) -> Document:
    return pool(egress=list(rules))


def nats(**fields: Any) -> Document:
    return {"nats": fields}


def block(cidr: str, **fields: Any) -> Document:
    return {"to": [{"ipBlock": {"cidr": cidr, **fields}}]}


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


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "0.0.0.0/1", "169.254.169.253/32", "fd01::/16"])
def test_a_block_without_the_metadata_service_needs_no_exception(cidr: str, tmp_path: Path) -> None:
    documents = rendered(egress(block(cidr)), tmp_path)
    policy = find(documents, "NetworkPolicy", f"{RELEASE}-worker-default")
    assert block(cidr) in policy["spec"]["egress"]


@pytest.mark.parametrize(
    "values",
    [
        {"journal": {"enabled": False}},
        {"journal": {"maxBytes": "900Mi"}},
        {"nats": {"storage": {"size": "2Ti"}}, "journal": {"maxBytes": "1Ti"}},
    ],
)
def test_a_journal_that_fits_is_taken(values: Document, tmp_path: Path) -> None:
    assert rendered({**nats(storage={"size": "1Gi"}), **values}, tmp_path)


@pytest.mark.parametrize(
    ("url", "port"), [("nats://n", 4222), ("tls://n:4443/", 4443), ("nats://[::1]:5222", 5222)]
)
def test_the_way_to_an_external_nats_is_that_of_its_url(
    url: str, port: int, tmp_path: Path
) -> None:
    values = nats(enabled=False, external={"url": url}, auth={"existingSecret": "keys"})
    policy = find(rendered(values, tmp_path), "NetworkPolicy", f"{RELEASE}-worker-default")
    assert [rule["ports"] for rule in policy["spec"]["egress"]] == [
        [{"port": port, "protocol": "TCP"}]
    ]


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
