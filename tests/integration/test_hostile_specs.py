"""Thousands of odd objects on a real API server: the operator lives and others progress."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from distributedjob_api.constants import API_VERSION, KIND
from distributedjob_local import bootstrap
from distributedjob_local.cluster import Cluster
from tests.support.jobs import Jobs
from tests.support.specs import hostile_specs, random_spec
from tests.support.waiting import wait_until

SPECS = 10_000
A_BATCH = 1_000


class Collection:
    """The jobs of one namespace, without kubectl: ten thousand are a matter of seconds."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._session = cluster.api.session
        self._url = f"{cluster.api.url}/apis/{API_VERSION}/namespaces/{namespace}/distributedjobs"

    def create(self, name: str, spec: dict[str, Any]) -> requests.Response:
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": name},
            "spec": spec,
        }
        # Unknown fields are dropped, as by a client without strict validation.
        return self._session.post(self._url, json=body, params={"fieldValidation": "Ignore"})

    def delete_all(self) -> None:
        self._session.delete(self._url, json={"propagationPolicy": "Background"})

    def unwritten(self) -> list[str]:
        found = self._session.get(self._url).json()["items"]
        return [one["metadata"]["name"] for one in found if "status" not in one]


@pytest.mark.timeout(400)
def test_ten_thousand_odd_jobs_stop_neither_the_operator_nor_another_job(
    shared_cluster: Cluster,
):
    bootstrap.apply_namespace(shared_cluster.api, "odd")
    odd = Collection(shared_cluster, "odd")
    operator = shared_cluster.operators[0].pid
    choose = random.Random(20260101)
    specs = [*hostile_specs(), *(random_spec(choose, sane=0.97) for _ in range(SPECS))]
    jobs = Jobs(shared_cluster, "default")
    accepted = 0
    with ThreadPoolExecutor(8) as threads:
        for start in range(0, len(specs), A_BATCH):
            batch = specs[start : start + A_BATCH]
            names = [f"odd-{start + number}" for number in range(len(batch))]
            answers = list(threads.map(odd.create, names, batch))
            assert {answer.status_code for answer in answers} <= {201, 400, 413, 422}
            accepted += sum(answer.status_code == 201 for answer in answers)
            plain = f"plain-{start}"
            jobs.apply(plain, ["true"], completions=5, priority=1000)
            jobs.wait_phase(plain, "Complete", timeout=30)
            wait_until(odd.unwritten, lambda names: not names, 60, "every odd job has a status")
            odd.delete_all()
    assert accepted > SPECS / 20
    assert shared_cluster.operators[0].pid == operator
    assert shared_cluster.operators[0].alive
