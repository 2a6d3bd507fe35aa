"""Fields that contradict each other: each names itself and what to write instead."""

from typing import Any

import pytest

from distributedjob_operator.core.policy.sense import wanted_indexes
from tests.support.builders import a_job
from tests.support.worlds import UID, a_world, heard, holding, last, ran, reason

FROM = {"configMapKeyRef": {"name": "list", "key": "k"}}


def policy(**rule: Any) -> dict[str, Any]:
    return {"rules": [rule]}


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"maxFailedIndexes": 2}, "", id="every index may fail"),
        pytest.param({"maxFailedIndexes": 8}, "spec.maxFailedIndexes", id="more than there are"),
        pytest.param({"successPolicy": policy(succeededCount=2)}, "", id="every index succeeds"),
        pytest.param(
            {"successPolicy": policy(succeededCount=8)},
            "spec.successPolicy.rules[0].succeededCount", id="more successes than tasks",
        ),
        pytest.param(
            {"successPolicy": policy(succeededIndexes="1,7")},
            "spec.successPolicy.rules[0].succeededIndexes", id="an index that is left out",
        ),
        pytest.param(
            {"successPolicy": policy(succeededIndexes="99")},
            "spec.successPolicy.rules[0].succeededIndexes", id="an index that is not there",
        ),
    ],
)  # fmt: skip
def test_a_contradiction_is_named(spec: dict[str, Any], named: str):
    wanted, problem = wanted_indexes(a_job(completions=10, indexes="0-1", **spec).spec, 10)
    assert (list(wanted), problem.partition(":")[0]) == ([0, 1], named)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(
            {"completions": 9, "indexes": "0-1", "successPolicy": policy(succeededIndexes="7")},
            id="indexes",
        ),
        pytest.param({"itemsFrom": FROM, "successPolicy": policy(succeededCount=9)}, id="lines"),
    ],
)
def test_it_stops_the_job_with_a_condition(spec: dict[str, Any]):
    world = a_world(2, **spec)
    world.texts["list"] = "a\nb\nc\n"
    for _ in range(3):
        heard(world, 2.0)
    assert (holding(last(world)), reason(last(world))) == ({"Stalled"}, "InvalidSpec")
    assert (last(world)["phase"], ran(world)) == ("Pending", {})
    assert not world.leader.jobs[UID].finished


def test_a_list_may_be_shorter_than_a_limit_that_suits_most_lists():
    world = a_world(2, itemsFrom=FROM, maxFailedIndexes=9)
    world.texts["list"] = "a\nb\nc\n"
    for _ in range(3):
        heard(world, 2.0)
    world.run(UID)
    assert last(world)["phase"] == "Complete"
