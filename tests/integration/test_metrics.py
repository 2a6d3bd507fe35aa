"""Metrics and logs of a real operator and its workers, compared with what ran."""

import json
from collections import Counter
from collections.abc import Iterator

import aiohttp
import pytest

from distributedjob_api import metric_families as families
from distributedjob_local import bootstrap
from distributedjob_local.cluster import Cluster
from distributedjob_local.component import Component
from distributedjob_local.size import Size
from distributedjob_operator.kube.traffic import ApiTraffic
from tests.support import servers
from tests.support.jobs import Jobs
from tests.support.scrapes import Samples, described, samples, scrape
from tests.support.waiting import wait_until

TEAM = ("team", "default")
ABOUT = {"namespace", "job", "node", "epoch"}


def operator_of(cluster: Cluster) -> str:
    """The address at which its operator serves metrics."""
    return cluster.operators[0].environment["DJOB_ENDPOINT_LISTEN"]


def workers_of(cluster: Cluster) -> list[str]:
    """The addresses at which its workers do."""
    return [each.environment["DJOB_METRICS_LISTEN"] for each in cluster.workers]


def of_operator(cluster: Cluster) -> Samples:
    return samples(scrape(operator_of(cluster)))


def of_workers(cluster: Cluster) -> Samples:
    found: Counter[tuple[str, ...]] = Counter()
    for address in workers_of(cluster):
        found.update(samples(scrape(address)))
    return dict(found)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Jobs]]:
    """A cluster on which 20 tasks ran: two fail for good after a retry, one a single time."""
    folder = tmp_path_factory.mktemp("metrics")
    first = f"[ -d {folder}/once ] || {{ mkdir {folder}/once; exit 1; }}"
    script = f"case $DJOB_INDEX in 3|4) exit 1;; 5) {first};; esac"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJOB_LOG_FORMAT", "json")
        patched.setenv("DJOB_METRICS_PER_JOB", "true")
        with servers.new_cluster(folder / "cluster", Size(2, "1", 1)) as started:
            bootstrap.apply_namespace(started.api, "team")
            jobs = Jobs(started, "team")
            retry = {"retryPolicy": {"initialSeconds": 0}, "backoffLimitPerIndex": 1}
            jobs.apply("mixed", ["sh", "-c", script], completions=20, **retry)
            jobs.wait_phase("mixed", "Failed")
            yield started, jobs


@pytest.mark.timeout(300)
def test_what_is_served_agrees_with_what_ran(ran: tuple[Cluster, Jobs]) -> None:
    cluster, jobs = ran
    found = of_operator(cluster)
    expected = {
        ("distributedjob_tasks_succeeded_total", *TEAM): 18,
        ("distributedjob_tasks_failed_total", *TEAM): 2,
        ("distributedjob_tasks_retried_total", *TEAM): 3,
        ("distributedjob_tasks_interrupted_total", *TEAM): 0,
        ("distributedjob_jobs_ended_total", *TEAM, "Failed"): 1,
        ("distributedjob_jobs", *TEAM, "Failed"): 1,
        ("distributedjob_tasks_running", *TEAM): 0,
        ("distributedjob_tasks_queued", *TEAM): 0,
        ("distributedjob_job_tasks", *TEAM, "mixed", "succeeded"): 18,
        ("distributedjob_job_tasks", *TEAM, "mixed", "failed"): 2,
        ("distributedjob_queue_seconds_count", "default"): 1,
        ("distributedjob_workers", "default", "Ready"): 2,
        ("distributedjob_node_slots", "default", "node-1"): 1,
        ("distributedjob_node_slots", "default", "node-2"): 1,
        ("distributedjob_leading",): 1,
        ("distributedjob_nats_connected",): 1,
    }
    assert {key: found.get(key) for key in expected} == expected
    # Every attempt was handed out, and what waits may go elsewhere near the end.
    assert found["distributedjob_dispatch_seconds_count", "default"] >= 23
    assert found["distributedjob_epoch",] == jobs.status("mixed")["epoch"]
    writes = found["distributedjob_checkpoint_seconds_count",]
    assert writes == found["distributedjob_checkpoint_bytes_count",]
    # The Lease is renewed by PUT as well.
    assert 1 <= writes <= found["distributedjob_api_request_seconds_count", "PUT"]
    assert found["distributedjob_api_requests_total", "GET", "200"] >= 1
    assert found["distributedjob_nats_messages_total", "in"] > 0


@pytest.mark.timeout(300)
def test_what_workers_serve_agrees_with_what_ran(ran: tuple[Cluster, Jobs]) -> None:
    cluster, _ = ran
    found = of_workers(cluster)
    expected = {
        ("distributedjob_worker_attempts_total", "team", "Succeeded"): 18,
        ("distributedjob_worker_attempts_total", "team", "Error"): 5,
        ("distributedjob_worker_run_seconds_count", "default"): 23,
        ("distributedjob_worker_ready",): 2,
        ("distributedjob_worker_slots",): 2,
        ("distributedjob_worker_slots_busy",): 0,
        ("distributedjob_worker_tasks_running",): 0,
        ("distributedjob_worker_refused_messages_total",): 0,
        ("distributedjob_worker_journal_dropped_records_total",): 0,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert 0 < found["distributedjob_worker_run_seconds_sum", "default"] < 23 * 60


@pytest.mark.timeout(300)
def test_series_of_deleted_objects_are_gone(ran: tuple[Cluster, Jobs]) -> None:
    cluster, _ = ran
    bootstrap.apply_namespace(cluster.api, "brief")
    jobs = Jobs(cluster, "brief")
    jobs.apply("gone", ["true"])
    jobs.wait_phase("gone", "Complete")

    def series() -> set[str]:
        return {key[0] for key in of_operator(cluster) if "brief" in key}

    there = wait_until(series, bool, 30, "its series are there")
    jobs.kubectl("delete", "djob", "gone")
    left = wait_until(
        series, lambda names: "distributedjob_jobs" not in names, 30, "its series end"
    )
    # Counts stay for a while, so that the last ones are scraped.
    assert there - left >= {"distributedjob_jobs", "distributedjob_job_tasks"}
    assert all(name.endswith("_total") for name in left)


@pytest.mark.timeout(300)
def test_what_is_served_is_what_is_declared(ran: tuple[Cluster, Jobs]) -> None:
    cluster, _ = ran
    for served, declared in (
        (scrape(operator_of(cluster)), families.OPERATOR),
        (scrape(workers_of(cluster)[0]), families.WORKER),
    ):
        assert described(served) == {
            family.name: (family.kind.value, family.meaning) for family in declared
        }


async def test_a_request_without_an_answer_is_counted_as_such() -> None:
    traffic = ApiTraffic()
    async with aiohttp.ClientSession(trace_configs=[traffic.tracing()]) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get("http://127.0.0.1:1/")
    assert traffic.requests == {("GET", "error"): 1}
    assert traffic.seconds == {}


def lines(component: Component) -> list[dict[str, object]]:
    """Its log; every line of it parses."""
    return [json.loads(line) for line in component.log.read_text().splitlines()]


@pytest.mark.timeout(300)
def test_every_line_of_the_logs_is_json_and_none_is_about_a_task(
    ran: tuple[Cluster, Jobs],
) -> None:
    cluster, jobs = ran
    epoch = jobs.status("mixed")["epoch"]
    said = lines(cluster.operators[0])
    for line in [*said, *(line for worker in cluster.workers for line in lines(worker))]:
        assert {"time", "level", "logger", "message"} <= line.keys()
        assert line.keys() <= {"time", "level", "logger", "message", "exception", *ABOUT}
    about_job = [line for line in said if line.get("job") == "mixed"]
    assert {(line["namespace"], line["epoch"]) for line in about_job} == {("team", epoch)}
    # A line for each of its phases at most: Pending, Running, Failed.
    assert 1 <= len(about_job) <= 3
    for number, worker in enumerate(cluster.workers, start=1):
        assert {line["node"] for line in lines(worker)} == {f"node-{number}"}
        assert len(lines(worker)) < 10
