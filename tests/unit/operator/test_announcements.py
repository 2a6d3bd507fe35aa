"""Events: on transitions, after they were written, a handful in the life of a job."""

from distributedjob_operator.core.effects import Tell
from tests.support.fleet import World
from tests.support.worlds import N1, UID, a_world, edit, heard, replaced, started


def told(world: World) -> list[str]:
    return [one.reason for one in world.others if isinstance(one, Tell)]


def test_a_start_and_an_end():
    world = a_world(2)
    world.run(UID)
    heard(world)
    assert told(world) == ["Started", "CompletionsReached"]


def test_only_a_failure_is_a_warning():
    world = a_world(2, backoffLimitPerIndex=0)
    world.run(UID, lambda index, ended: "Error")
    heard(world)
    events = [one for one in world.others if isinstance(one, Tell)]
    assert [(one.reason, one.warning) for one in events] == [
        ("Started", False),
        ("FailedIndexes", True),
    ]


def test_a_suspension_and_what_follows():
    world = a_world(2)
    started(world)
    edit(world, suspend=True)
    heard(world)
    edit(world, suspend=False)
    heard(world)
    edit(world, cancel=True)
    heard(world)
    assert told(world) == ["Started", "Suspended", "Resumed", "Cancelling", "CancelledByUser"]


def test_a_thousand_tasks_and_failures_are_no_events():
    world = a_world(8, completions=1000)
    world.run(UID, lambda index, ended: "Error" if index % 3 == 0 and ended < 2 else "")
    heard(world)
    assert len(told(world)) == 2


def test_a_job_that_is_over_before_its_start_was_written_has_none():
    world = a_world(2, completions=1, parallelism=0)
    edit(world, parallelism=None, cancel=True)
    heard(world)
    assert told(world) == []


def test_a_new_leader_repeats_none():
    world = a_world(2)
    started(world)
    replaced(world)
    for _ in range(3):
        heard(world, 1.0)
    assert told(world) == ["Started"]
    world.run(UID)
    heard(world)
    assert told(world) == ["Started", "CompletionsReached"]


def test_a_job_suspended_from_its_creation_starts_when_it_does():
    world = a_world(2, suspend=True)
    heard(world)
    edit(world, suspend=False)
    heard(world)
    assert told(world) in (["Suspended", "Started"], ["Suspended", "Resumed"])


def test_each_run_has_its_own():
    world = a_world(2, backoffLimitPerIndex=0)
    world.run(UID, lambda index, ended: "Error")
    heard(world)
    edit(world, rerun={"token": "a"})
    heard(world)
    world.run(UID)
    heard(world)
    assert told(world) == ["Started", "FailedIndexes", "Started", "CompletionsReached"]


def test_indexes_of_a_rerun_that_do_not_exist_are_told_once():
    world = a_world(2, itemsFrom={"configMapKeyRef": {"name": "list", "key": "k"}})
    world.texts["list"] = "a\n"
    for _ in range(3):
        heard(world, 2.0)
    world.run(UID)
    edit(world, rerun={"token": "a", "indexes": "7"})
    for _ in range(9):
        heard(world, 1.0)
    assert told(world)[-1] == "InvalidSpec"
    assert told(world).count("InvalidSpec") == 1
    assert not world.workers[N1].jobs


def test_a_job_suspended_all_day_long_is_told_of_some_tens_of_times():
    world = a_world(2)
    started(world)
    for number in range(100):
        edit(world, suspend=number % 2 == 0)
        for _ in range(3):
            heard(world, 1.0)
    world.run(UID)
    heard(world)
    assert len(told(world)) <= 30
    assert told(world)[-1] == "CompletionsReached"
