"""Each panel of the dashboard, asked of a real Prometheus that watched a real run."""

import json
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import yaml

from distributedjob_local import bootstrap
from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Component, free_port, serves
from distributedjob_local.programs import find_programs
from distributedjob_local.progress import Progress
from distributedjob_local.size import Size
from tests.support import servers
from tests.support.charts import CHART, NAMESPACE, RELEASE
from tests.support.jobs import Jobs
from tests.support.waiting import wait_until

PANELS = [
    (f"{panel['title']} {target['refId']}", target["expr"])
    for panel in json.loads((CHART / "files" / "dashboard.json").read_text())["panels"]
    for target in panel.get("targets", ())
]
BACK_SECONDS = 600


def configuration(cluster: Cluster) -> dict[str, Any]:
    """A scrape of every process, labelled as the chart's monitors would have it."""

    def target(address: str, pod: str) -> dict[str, Any]:
        return {"targets": [address], "labels": {"namespace": NAMESPACE, "pod": f"{RELEASE}-{pod}"}}

    targets = [
        target(each.environment["DJOB_ENDPOINT_LISTEN"], each.name) for each in cluster.operators
    ]
    targets += [
        target(each.environment["DJOB_METRICS_LISTEN"], each.name) for each in cluster.workers
    ]
    return {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "djob", "static_configs": targets}],
    }


class Prometheus:
    """One that answers queries."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, path: str, **parameters: str) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                f"http://{self.address}/api/v1/{path}", params=parameters, timeout=30
            ).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def values(self, query: str) -> list[float]:
        """Every value that a graph of the last minutes would show."""
        now = time.time()
        span = {"start": f"{now - BACK_SECONDS}", "end": f"{now}", "step": "2"}
        found = self.ask("query_range", query=query, **span)["result"]
        numbers = [float(value) for series in found for _, value in series["values"]]
        return [number for number in numbers if not math.isnan(number)]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has watched two nodes that ran jobs for a while, and one that may not start."""
    folder = tmp_path_factory.mktemp("dashboard")
    size = Size(nodes=2, cpus="1", operators=1)
    with servers.new_cluster(folder / "cluster", size) as cluster:
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration(cluster)))
        address = f"127.0.0.1:{free_port()}"
        setting = servers.attended(folder / "prometheus")
        setting.state.create()
        component = Component(
            setting,
            "prometheus",
            6,
            [
                find_programs({"prometheus"}, Progress())["prometheus"],
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ],
            lambda: serves(f"http://{address}/-/ready"),
        )
        component.start()
        try:
            component.wait_ready(60)
            started = Prometheus(address)
            run(cluster, started)
            yield started
        finally:
            component.stop()


def run(cluster: Cluster, prometheus: Prometheus) -> None:
    """Jobs one after the other, until what they did was scraped."""
    bootstrap.apply_namespace(cluster.api, "team")
    jobs = Jobs(cluster, "team")
    jobs.apply("paused", ["true"], completions=3, parallelism=0)
    script = "[ $DJOB_INDEX = 7 ] && exit 1; sleep 0.1"
    for number in range(3):
        name = f"job-{number}"
        jobs.apply(name, ["sh", "-c", script], completions=40, backoffLimitPerIndex=1)
        jobs.wait_phase(name, "Failed")
        done = {"query": f"sum(distributedjob_tasks_succeeded_total) >= {39 * (number + 1)}"}
        wait_until(
            lambda done=done: prometheus.ask("query", **done)["result"],
            bool,
            60,
            "its outcomes are scraped",
        )


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("panel", "query"), PANELS, ids=[title for title, _ in PANELS])
def test_a_panel_has_something_to_show(prometheus: Prometheus, panel: str, query: str) -> None:
    asked = query.replace("$namespace", NAMESPACE).replace("$__rate_interval", "10s")
    assert "$" not in asked
    assert prometheus.values(asked), panel


@pytest.mark.timeout(600)
def test_the_panels_show_what_ran(prometheus: Prometheus) -> None:
    queries = dict(PANELS)

    def last(title: str) -> float:
        asked = queries[title].replace("$namespace", NAMESPACE).replace("$__rate_interval", "10s")
        return prometheus.values(asked)[-1]

    assert last("Leaders A") == 1
    assert last("Queued A") == 3
    assert last("Slots busy A") == 0
    assert last("Refused messages B") == 0
    assert max(prometheus.values(queries["Running A"].replace("$namespace", NAMESPACE))) >= 1
