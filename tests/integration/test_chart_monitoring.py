"""What the chart renders for monitoring fits together; nothing of it needs a cluster."""

import json

import pytest

from tests.support.charts import CHART, Document, container, helm, literals, render

FULL = ("--values", str(CHART / "ci" / "full-values.yaml"))
MONITORING = "monitoring.coreos.com/v1"


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    return {each["metadata"]["name"]: each for each in documents if each["kind"] == kind}


def ports(workload: Document) -> dict[str, int]:
    return {each["name"]: each["containerPort"] for each in container(workload).get("ports", ())}


def test_a_worker_listens_where_its_monitor_and_its_network_policy_say() -> None:
    documents = render(*FULL, "--set", "metrics.workers.port=9999")
    pools = of_kind(documents, "DaemonSet")
    assert len(pools) == 2
    for pool in pools.values():
        assert ports(pool) == {"metrics": 9999}
        assert literals(pool)["DJOB_METRICS_LISTEN"] == ":9999"
    monitor = of_kind(documents, "PodMonitor")["distributedjob-worker"]
    assert monitor["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"
    chosen = monitor["spec"]["selector"]["matchLabels"].items()
    policies = of_kind(documents, "NetworkPolicy")
    for name, pool in pools.items():
        assert chosen <= pool["spec"]["template"]["metadata"]["labels"].items()
        (rule,) = policies[name]["spec"]["ingress"]
        assert rule["ports"] == [{"port": 9999, "protocol": "TCP"}]


def test_nobody_reaches_a_worker_unless_that_is_asked_for() -> None:
    documents = render()
    policy = of_kind(documents, "NetworkPolicy")["distributedjob-worker-default"]
    assert "ingress" not in policy["spec"]
    assert not any(each["apiVersion"] == MONITORING for each in documents)
    assert not any("dashboard" in each["metadata"]["name"] for each in documents)


def test_port_0_is_no_metrics_at_all() -> None:
    off = "metrics.workers.port=0,metrics.workerMonitor.enabled=false"
    documents = render(*FULL, "--set", off)
    for pool in of_kind(documents, "DaemonSet").values():
        assert not ports(pool)
        assert "DJOB_METRICS_LISTEN" not in literals(pool)
    for name, policy in of_kind(documents, "NetworkPolicy").items():
        assert "worker" not in name or "ingress" not in policy["spec"]


def test_the_form_of_logs_and_series_of_jobs_reach_the_programs() -> None:
    set_values = "operator.logFormat=json,poolDefaults.logFormat=json,metrics.perJob=true"
    documents = render("--set", set_values)
    (operator,) = of_kind(documents, "Deployment").values()
    (worker,) = of_kind(documents, "DaemonSet").values()
    assert literals(operator)["DJOB_LOG_FORMAT"] == literals(worker)["DJOB_LOG_FORMAT"] == "json"
    assert literals(operator)["DJOB_METRICS_PER_JOB"] == "true"


def test_the_dashboard_arrives_as_it_stands() -> None:
    (board,) = [each for each in render(*FULL) if "dashboard" in each["metadata"]["name"]]
    file = json.loads((CHART / "files" / "dashboard.json").read_text())
    assert json.loads(board["data"]["distributedjob.json"]) == file
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_alerts_link_to_the_runbook_that_is_named() -> None:
    url = "https://wiki.example/runbook"
    documents = render(*FULL, "--set", f"metrics.prometheusRule.runbook={url}")
    (rules,) = of_kind(documents, "PrometheusRule").values()
    for rule in rules["spec"]["groups"][0]["rules"]:
        assert rule["annotations"]["runbook_url"] == f"{url}#{rule['alert'].lower()}"


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("metrics.workers.port=70000", "port"),
        ("metrics.workers.port=http", "port"),
        ("operator.logFormat=xml", "logFormat"),
        ("pools.default.logFormat=xml", "logFormat"),
        ("metrics.perJob=sometimes", "perJob"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(mistake: str, message: str) -> None:
    done = helm("template", "x", str(CHART), "--kube-version", "1.37.2", "--set", mistake)
    assert done.returncode != 0
    assert message in done.stderr
