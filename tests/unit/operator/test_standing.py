"""Where each task of a job stands, by the leader's knowledge and by the object's."""

import json

import pytest

from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import standing
from distributedjob_operator.core.standing import Standing
from tests.support.builders import job_body
from tests.support.fleet import World
from tests.support.worlds import UID, a_world, edit, heard, last, started


def known(world: World) -> Standing:
    return standing.of_job(world.leader.jobs[UID])


def written(world: World) -> Standing:
    body = job_body(**world.spec)
    body["status"] = json.loads(json.dumps(last(world)))
    return standing.of_object(parse(body))


def states(where: Standing) -> dict[int, str]:
    return {index: where.of(index)[0] for index in where.wanted}


def test_the_leader_knows_who_runs_what():
    world = a_world(2, completions=4)
    started(world)
    assert known(world).of(0) == ("Running", "n1")
    assert known(world).of(3) == ("Pending", "")
    world = a_world(2, completions=4)
    assert known(world).of(0) == ("Queued", "n1")


def test_an_outcome_counts_more_than_what_a_worker_last_said():
    world = a_world(2, completions=4, backoffLimitPerIndex=0)
    world.tick(lambda index, ended: "Error" if index else "")
    assert [known(world).of(index)[0] for index in (0, 1)] == ["Succeeded", "Failed"]


def test_what_a_job_that_is_over_did_not_run_is_cancelled_by_both_accounts():
    world = a_world(2, completions=4)
    world.tick(lambda index, ended: "")
    edit(world, cancel=True)
    heard(world)
    for _ in range(3):
        heard(world)
    assert states(known(world)) == states(written(world))
    assert set(states(written(world)).values()) == {"Succeeded", "Cancelled"}


def test_the_object_tells_outcomes_and_not_who_runs_what():
    world = a_world(2, completions=4)
    started(world)
    assert set(states(written(world)).values()) == {"Pending"}


def test_attempts_that_ended_are_known_by_both():
    world = a_world(1, completions=1, retryPolicy={"initialSeconds": 50})
    world.tick(lambda index, ended: "Error")
    heard(world, 1.1)
    assert known(world).attempts == written(world).attempts == {0: 1}


def test_only_wanted_indexes_are_tasks():
    world = a_world(1, completions=10, indexes="2,5-6")
    assert set(known(world).wanted) == set(written(world).wanted) == {2, 5, 6}


def test_only_wanted_lines_of_a_config_map_are_tasks():
    reference = {"configMapKeyRef": {"name": "list", "key": "items.txt"}}
    world = a_world(1, itemsFrom=reference, indexes="2,5-6")
    world.texts["list"] = "a\nb\nc\nd\ne\nf\ng\nh\n"
    world.run(UID)
    assert set(known(world).wanted) == set(written(world).wanted) == {2, 5, 6}
    assert set(states(written(world)).values()) == {"Succeeded"}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([], {0, 1, 2, 3, 4, 5}),
        (["Succeeded"], {0}),
        (["Failed"], {1}),
        (["Running"], {2}),
        (["Queued"], {3}),
        (["Pending"], {4, 5}),
        (["Cancelled"], set()),
        (["Succeeded", "Running"], {0, 2}),
    ],
)
def test_every_index_is_in_the_set_of_its_state_alone(chosen: list[str], expected: set[int]):
    from distributedjob_api.indexes import BitMap

    where = Standing(
        BitMap(range(6)),
        BitMap([0]),
        BitMap([1]),
        running={"n1": BitMap([0, 2])},
        queued={"n1": BitMap([1, 2]), "n2": BitMap([3])},
    )
    assert set(where.chosen(chosen)) == expected
    assert all(where.of(index)[0] in chosen for index in expected) or not chosen
