"""The admission policy that the chart can bring: what no pool would run is refused at once."""

import subprocess
from collections.abc import Iterator
from functools import partial

import pytest
import yaml

from distributedjob_local import bootstrap
from distributedjob_local.control_plane import ControlPlane
from tests.support.charts import NAMESPACE, render
from tests.support.waiting import wait_until


@pytest.fixture
def policy(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The policy of an installation with a pool for its own namespace, and one for another."""
    for name in (NAMESPACE, "team-a"):
        bootstrap.apply_namespace(control_plane.client, name)
    switched_on = (
        "--set",
        "admissionPolicy.enabled=true",
        "--set",
        "pools.gpu.namespaces={team-a}",
    )
    documents = [each for each in render(*switched_on) if "Admission" in each["kind"]]
    text = yaml.safe_dump_all(documents)
    made = control_plane.kubectl("apply", "-f", "-", input=text)
    assert made.returncode == 0, made.stderr
    try:
        yield control_plane
    finally:
        control_plane.kubectl("delete", "-f", "-", input=text)


def create(api: ControlPlane, namespace: str, pool: str) -> subprocess.CompletedProcess[str]:
    """Try to create a job."""
    job = {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {"name": "tried", "namespace": namespace},
        "spec": {"completions": 1, "pool": pool, "template": {"command": ["true"]}},
    }
    return api.kubectl("create", "--dry-run=server", "-f", "-", input=yaml.safe_dump(job))


def test_a_job_that_no_pool_would_run_is_refused(policy: ControlPlane) -> None:
    # The API server puts a new policy to work after a moment.
    refused = wait_until(
        partial(create, policy, "team-a", "default"),
        lambda tried: tried.returncode != 0,
        30,
        "the policy works",
    )
    assert f"pool default serves the namespaces {NAMESPACE}, not team-a" in refused.stderr
    assert "name one of default, gpu" in create(policy, NAMESPACE, "tpu").stderr
    for namespace, pool in [(NAMESPACE, "default"), ("team-a", "gpu")]:
        done = create(policy, namespace, pool)
        assert done.returncode == 0, done.stderr
