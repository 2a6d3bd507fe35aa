"""When an agent crashes, what ran is suspected, and only the one to blame is charged."""

from typing import Any

from distributedjob_operator.core.policy.retry import Tries
from tests.support.fleet import FakeWorker, World
from tests.support.worlds import N1, UID, a_world, last, ran

POISON = 3


def tries(world: World) -> dict[int, Tries]:
    return world.leader.jobs[UID].ledger.recorded.tries


def poisoned(world: World, *, reported: bool = True, rounds: int = 200) -> int:
    """Run on; an agent dies each time that it runs the poison. Returns how often."""
    crashes = 0
    for _ in range(rounds):
        if world.leader.jobs[UID].finished:
            return crashes
        world.now += 0.05
        for worker in list(world.workers.values()):
            worker.start()
            if any(POISON in job.running for job in worker.jobs.values()):
                if reported:
                    world.report_all()
                world.restart(worker.name)
                crashes += 1
            else:
                worker.finish()
        world.report_all()
        world.deliver()
    raise AssertionError(f"not finished after {crashes} crashes: {world.leader.jobs[UID]}")


def crashed(world: World, worker: FakeWorker) -> None:
    worker.start()
    world.report_all()
    world.restart(worker.name)
    world.deliver()
    world.report_all()


def test_what_ran_beside_others_is_charged_nothing():
    world = a_world(3)
    crashed(world, world.workers[N1])
    assert last(world)["phase"] == "Running"
    assert tries(world) == {index: Tries(1, 0, 0) for index in range(3)}


def test_what_ran_alone_is_charged():
    world = a_world(1)
    crashed(world, world.workers[N1])
    assert tries(world) == {0: Tries(1, 0, 1)}


def test_suspects_run_one_a_worker_beside_those_that_are_none():
    world = a_world(3, 3)
    crashed(world, world.workers[N1])
    world.deliver()
    for worker in world.workers.values():
        held = [index for job in worker.jobs.values() for index in (job.queued | job.running)]
        assert len({0, 1, 2} & set(held)) <= 1, worker.name
    world.run(UID)
    assert (last(world)["phase"], last(world)["failed"]) == ("Complete", 0)


def a_poisoned_world(*cpus: int, **spec: Any) -> World:
    return a_world(*cpus, interruptionLimit=2, completions=12, **spec)


def test_what_brings_agents_down_fails_and_its_neighbours_do_not():
    world = a_poisoned_world(4, 4)
    crashes = poisoned(world)
    assert (last(world)["failed"], last(world)["succeeded"]) == (1, 11)
    assert last(world)["failedIndexes"] == str(POISON)
    # Once among others, and three times as the one to blame.
    assert crashes == 4


def test_what_brings_an_agent_down_before_any_report_fails_as_well():
    world = a_poisoned_world(4)
    poisoned(world, reported=False)
    assert last(world)["failedIndexes"] == str(POISON)
    assert last(world)["succeeded"] == 11


def test_a_suspect_that_ended_is_none_any_more():
    world = a_world(2)
    crashed(world, world.workers[N1])
    world.run(UID)
    assert not world.leader.jobs[UID].ledger.suspects
    assert set(ran(world)) == set(range(10))
