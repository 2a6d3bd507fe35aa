"""Whose jobs a pool runs, as the installation sets it."""

import pytest

from distributedjob_operator.core.explain import why_waiting
from distributedjob_operator.core.leader import Leader, Tuning
from distributedjob_operator.errors import SettingsError
from distributedjob_operator.settings import read_settings
from tests.support.builders import a_job, a_node, at
from tests.support.fleet import FakeWorker, World
from tests.support.worlds import UID

OWN = a_job().metadata.namespace


def running(served: str) -> tuple[int, str]:
    """How many tasks of a job a worker gets, and why none if it gets none."""
    tuning = Tuning(pools=read_settings({"DJOB_POOLS": served}).served)
    world = World(Leader(5, "me", "ns/name", tuning), FakeWorker("n1", 2000))
    world.leader.take_over([], [a_node("n1", 2)], at(0))
    world.deliver()
    world.report_all()
    world.leader.job_seen(a_job(completions=10), at(0))
    world.deliver()
    job = world.leader.jobs[UID]
    waiting = why_waiting(world.leader, job, at(world.now))
    return len(job.ledger.busy), waiting[0] if waiting else ""


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        pytest.param("", (2, ""), id="nothing is said"),
        pytest.param("default=*", (2, ""), id="everybody"),
        pytest.param(f"default=other,{OWN}", (2, ""), id="this namespace too"),
        pytest.param("default=other", (0, "PoolNotServed"), id="another namespace"),
        pytest.param(f"gpu={OWN};default=other", (0, "PoolNotServed"), id="another pool"),
        pytest.param(f"gpu={OWN}", (0, "PoolNotServed"), id="a pool that nobody set up"),
    ],
)
def test_a_pool_runs_the_jobs_of_the_namespaces_it_serves(served: str, expected: tuple[int, str]):
    assert running(served) == expected


@pytest.mark.parametrize("value", ["default", "default=", "default=A", "=a", "a=b;", "a=*,b"])
def test_pools_that_make_no_sense_are_named(value: str):
    with pytest.raises(SettingsError, match=r"DJOB_POOLS .* set it to pools with"):
        read_settings({"DJOB_POOLS": value})
