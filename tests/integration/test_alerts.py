"""The chart's alerts, judged by Prometheus' own promtool: which fire, and that no other does."""

import subprocess
from pathlib import Path

import pytest
import yaml

from distributedjob_local.programs import find_programs
from distributedjob_local.progress import Progress
from tests.support.charts import CHART, NAMESPACE, RELEASE, render

OPERATOR, STANDBY, WORKER = (
    f"{RELEASE}-{each}" for each in ("operator-a", "operator-b", "worker-x")
)

Series = dict[tuple[str, str, str], str]
"""Values for two hours, a minute apart, by family, pod and further labels."""

HEALTHY: Series = {
    ("leading", OPERATOR, ""): "1x120",
    ("leading", STANDBY, ""): "0x120",
    ("epoch", OPERATOR, ""): "40x120",
    ("epoch", STANDBY, ""): "0x120",
    ("nats_connected", OPERATOR, ""): "1x120",
    ("nats_connected", WORKER, ""): "1x120",
    ("checkpoint_seconds_bucket", OPERATOR, 'le="0.1"'): "0+60x120",
    ("checkpoint_seconds_bucket", OPERATOR, 'le="2.5"'): "0+60x120",
    ("checkpoint_seconds_bucket", OPERATOR, 'le="+Inf"'): "0+60x120",
    ("checkpoint_failures_total", OPERATOR, 'cause="conflict"'): "0+1x120",
    ("checkpoint_failures_total", OPERATOR, 'cause="unavailable"'): "0x120",
    ("workers_lost_total", OPERATOR, 'pool="default",cause="silence"'): "0x120",
    ("workers_lost_total", OPERATOR, 'pool="default",cause="left"'): "0+1x120",
    ("workers", OPERATOR, 'pool="default",health="Ready"'): "2x120",
    ("worker_held", WORKER, ""): "0x120",
    ("tasks_startable", OPERATOR, 'job_namespace="team",pool="default"'): "0x120",
    ("worker_journal_dropped_records_total", WORKER, ""): "0x120",
    ("refused_messages_total", OPERATOR, 'cause="subject"'): "0x120",
    ("worker_refused_messages_total", WORKER, ""): "0x120",
}

ILL: dict[str, Series] = {
    "NoLeader": {("leading", OPERATOR, ""): "1x110 0x10"},
    "TwoLeaders": {("leading", STANDBY, ""): "0x110 1x10"},
    "LeaderFlapping": {("epoch", OPERATOR, ""): "40x100 50 50 60 60 70 70 80 80 90x12"},
    "NatsDisconnected": {("nats_connected", WORKER, ""): "1x110 0x10"},
    "CheckpointSlow": {("checkpoint_seconds_bucket", OPERATOR, 'le="0.1"'): "0+50x120"},
    "CheckpointsFailing": {
        ("checkpoint_failures_total", OPERATOR, 'cause="unavailable"'): "0x90 1+1x30"
    },
    "WorkersSilent": {
        ("workers_lost_total", OPERATOR, 'pool="default",cause="silence"'): "0x115 1x5"
    },
    "WorkerHeld": {("worker_held", WORKER, ""): "0x110 1x10"},
    "TasksWaiting": {
        ("tasks_startable", OPERATOR, 'job_namespace="team",pool="default"'): "0x100 9x20"
    },
    "JournalDropping": {("worker_journal_dropped_records_total", WORKER, ""): "0x100 1+1x20"},
    "RefusedMessages": {("worker_refused_messages_total", WORKER, ""): "0x100 1+1x20"},
}


def rules() -> dict[str, object]:
    """The alerts of the chart as Prometheus reads them."""
    documents = render("--values", str(CHART / "ci" / "full-values.yaml"))
    (found,) = [each["spec"] for each in documents if each["kind"] == "PrometheusRule"]
    return dict(found)


def judged(folder: Path, series: Series, firing: str) -> subprocess.CompletedProcess[str]:
    """What promtool says to the claim that these alerts fire after two hours."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules()))
    given = [
        {
            "series": f'distributedjob_{name}{{namespace="{NAMESPACE}",pod="{pod}",{more}}}',
            "values": values,
        }
        for (name, pod, more), values in series.items()
    ]
    samples = [{"labels": f'{{alertname="DistributedJob{firing}"}}', "value": 1}] if firing else []
    query = 'group by (alertname) (ALERTS{alertstate="firing"})'
    test = {
        "interval": "1m",
        "input_series": given,
        "promql_expr_test": [{"expr": query, "eval_time": "2h", "exp_samples": samples}],
    }
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(document))
    promtool = find_programs({"promtool"}, Progress())["promtool"]
    return subprocess.run(
        [promtool, "test", "rules", "test.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_alert_has_a_case() -> None:
    (group,) = rules()["groups"]  # type: ignore[misc]
    assert [each["alert"] for each in group["rules"]] == [f"DistributedJob{name}" for name in ILL]


def test_none_fires_while_all_is_well(tmp_path: Path) -> None:
    done = judged(tmp_path, HEALTHY, "")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ILL)
def test_what_is_wrong_is_said_and_nothing_else(tmp_path: Path, name: str) -> None:
    done = judged(tmp_path, {**HEALTHY, **ILL[name]}, name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_operator_that_is_not_scraped_at_all_does_not_lead(tmp_path: Path) -> None:
    workers = {key: values for key, values in HEALTHY.items() if key[1] == WORKER}
    done = judged(tmp_path, workers, "NoLeader")
    assert done.returncode == 0, done.stdout + done.stderr
