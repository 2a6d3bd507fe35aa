"""Suspension, limits, rules and reruns on unreliable links: each run keeps its promises."""

from random import Random
from typing import Any

from hypothesis import given, settings

from distributedjob_api.indexes import BitMap, parse_indexes
from tests.support.simulation import Simulation
from tests.unit.operator.test_simulation import (
    SEEDS,
    TASKS,
    a_simulation,
    chaos,
    ended_everywhere,
    heal,
)

UID = "uid-j0"
FINAL = ("Complete", "Failed", "Cancelled")
GROWING = ("succeeded", "failed", "failures", "retries", "interruptions")


class Witness:
    """Holds every status that was written against the ones before it."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}

    def __call__(self, uid: str, status: dict[str, Any]) -> None:
        before, self.last = self.last, status
        done, failed = self.sets(status)
        assert not done & failed
        counts = [status[name] for name in ("succeeded", "failed", "cancelled")]
        assert (len(done), len(failed)) == (counts[0], counts[1])
        assert sum(counts) + status["pending"] + status["running"] == TASKS
        if status["phase"] in FINAL:
            assert (status["pending"], status["running"]) == (0, 0)
            assert any(one["type"] == status["phase"] for one in status["conditions"])
        if not before:
            return
        assert 0 <= status["run"] - before["run"] <= 1
        if status["run"] > before["run"]:
            assert before["phase"] in FINAL
            return
        for name in GROWING:
            assert status[name] >= before[name], name
        earlier = self.sets(before)
        assert earlier[0].issubset(done)
        assert earlier[1].issubset(failed)
        assert self.lasting(before) <= self.lasting(status)
        if before["phase"] in FINAL:
            assert status["phase"] == before["phase"]
            assert counts == [before[name] for name in ("succeeded", "failed", "cancelled")]

    @staticmethod
    def sets(status: dict[str, Any]) -> tuple[BitMap, BitMap]:
        names = ("completedIndexes", "failedIndexes")
        done, failed = (parse_indexes(status[name], TASKS) for name in names)
        return done, failed

    @staticmethod
    def lasting(status: dict[str, Any]) -> set[str]:
        kinds = {"FailureTarget", "SuccessCriteriaMet", "Finished", *FINAL}
        held = {one["type"] for one in status["conditions"] if one["status"] == "True"}
        return kinds & held


def limits(random: Random) -> dict[str, Any]:
    """A random choice of what may end a job early."""
    spec: dict[str, Any] = {"backoffLimitPerIndex": random.choice([0, 1, 3])}
    if random.random() < 0.3:
        spec["backoffLimit"] = random.choice([0, 5, 20])
    if random.random() < 0.3:
        spec["maxFailedIndexes"] = random.choice([0, 1])
    if random.random() < 0.3:
        spec["successPolicy"] = {"rules": [{"succeededCount": random.choice([1, 20, 38])}]}
    if random.random() < 0.4:
        action = random.choice(["FailJob", "FailIndex", "Count"])
        reason = random.choice(["Error", "Interrupted", "Signaled"])
        spec["failurePolicy"] = {"rules": [{"action": action, "onReasons": [reason]}]}
    return spec


def steer(world: Simulation) -> None:
    """A user changes the mind."""
    random = world.random
    match random.randrange(4):
        case 0:
            mode = random.choice(["Now", "Drain"])
            world.edit(UID, suspend=True, suspendMode=mode)
        case 1:
            world.edit(UID, suspend=False)
        case 2:
            indexes = random.choice(["failed", "failed", "0-9", "3,17,39"])
            world.edit(UID, rerun={"token": f"t{world.version}", "indexes": indexes})
        case _:
            pass


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_each_run_keeps_its_promises_whatever_goes_wrong(seed: int):
    random = Random(seed)
    world = a_simulation(random, **limits(random))
    world.on_written = Witness()
    for _ in range(random.randrange(1, 7)):
        chaos(world, random.randrange(15))
        steer(world)
    world.edit(UID, suspend=False)
    heal(world, 1500)
    for _ in range(20):
        world.step(0.25)
    heal(world, 1500)
    status, spec = world.bodies[UID]["status"], world.bodies[UID]["spec"]
    assert status["phase"] in ("Complete", "Failed")
    assert ended_everywhere(world)
    if "rerun" in spec:
        assert status["rerunToken"] == spec["rerun"]["token"]
    if not status["cancelled"]:
        assert status["succeeded"] + status["failed"] == TASKS


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_nothing_runs_once_the_end_is_recorded(seed: int):
    random = Random(seed)
    world = a_simulation(random, **limits(random))
    witness = Witness()

    def written(uid: str, status: dict[str, Any]) -> None:
        witness(uid, status)
        if status["phase"] in FINAL:
            running = [task for agent in world.agents.values() for task in agent.running.values()]
            assert not [task for _, task, _ in running if task.define.run <= status["run"]]

    world.on_written = written
    # Messages are lost and late, leaders change; workers that nobody can ask are elsewhere.
    for _ in range(random.randrange(1, 6)):
        for _ in range(random.randrange(15)):
            if random.random() < 0.05:
                world.lead()
            world.step(random.choice([0.02, 0.1, 0.1, 1.0]))
        world.faults.loss = random.choice([0.0, 0.05])
        world.faults.delay = random.choice([0.0, 0.2])
        steer(world)
    world.edit(UID, suspend=False)
    heal(world, 1500)
