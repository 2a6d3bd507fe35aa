"""A job with both limits 0: whatever may have started never starts again."""

from collections import Counter
from typing import Any

import pytest
from msgspec import structs

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import Assign, Commands, Failure
from distributedjob_api.v1alpha1 import parse
from distributedjob_operator.core import checkpoints
from distributedjob_operator.core.effects import Effect, Send, WriteStatus
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.core.round import settle
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeJob, World
from tests.support.worlds import N1, UID, a_world, edit, heard, last, started

ONCE: dict[str, Any] = {"backoffLimitPerIndex": 0, "interruptionLimit": 0}
IGNORE = {"rules": [{"action": "Ignore", "onReasons": ["Error", "Interrupted"]}]}


def outcome(world: World, uid: str = UID) -> tuple[int, int, set[str]]:
    job = world.leader.jobs[uid]
    recorded = job.ledger.recorded
    reasons = {failure.reason for failure in recorded.recent_failures}
    return len(recorded.succeeded), len(recorded.failed), reasons


def assigned(effects: list[Effect]) -> list[Assign]:
    return [
        command
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, Commands)
        for command in effect.message.commands
        if isinstance(command, Assign)
    ]


def test_nothing_is_handed_out_before_it_is_recorded_that_it_may_start():
    world = a_world(1)
    world.run(UID)
    world.leader.job_seen(a_job("next", completions=5, **ONCE), at(world.now))
    settle(world.leader, at(world.now))
    effects = world.leader.take_effects()
    assert not assigned(effects)
    (write,) = [effect for effect in effects if isinstance(effect, WriteStatus)]
    assert write.status["dispatchedBelow"] == 5
    checkpoints.written(world.leader, write.uid, "9000", write.marks, at(world.now))
    settle(world.leader, at(world.now))
    assert assigned(world.leader.take_effects())


@pytest.mark.parametrize("policy", [None, IGNORE], ids=["no rule", "Ignore"])
def test_what_a_lost_worker_held_ends_as_interrupted(policy: dict[str, Any] | None):
    world = a_world(2, completions=6, failurePolicy=policy, **ONCE)
    world.deliver()
    held = len(world.leader.jobs[UID].ledger.assigned[N1])
    del world.workers[N1]
    world.leader.node_gone("n1", at(world.now))
    world.deliver()
    assert outcome(world) == (0, held, {"Interrupted"})


@pytest.mark.parametrize("policy", [None, IGNORE], ids=["no rule", "Ignore"])
def test_a_failure_is_final_whatever_the_rules_say(policy: dict[str, Any] | None):
    world = a_world(2, completions=6, failurePolicy=policy, **ONCE)
    world.run(UID, lambda index, ended: "Error" if index == 2 else "")
    assert outcome(world) == (5, 1, {"Error"})
    assert [index for _, index in world.workers[N1].ran].count(2) == 1


def test_what_was_started_and_ended_by_suspension_does_not_run_again():
    world = a_world(2, completions=6, **ONCE)
    world.deliver()
    worker = world.workers[N1]
    worker.start()
    world.report_all()
    edit(world, suspend=True)
    world.report_all()
    edit(world, suspend=False)
    world.run(UID)
    assert outcome(world) == (4, 2, {"Interrupted"})
    assert max(Counter(worker.ran).values()) == 1


def test_cancelling_charges_nothing():
    world = a_world(2, completions=6, **ONCE)
    world.deliver()
    world.workers[N1].start()
    world.report_all()
    edit(world, cancel=True)
    world.report_all()
    world.deliver()
    status = world.statuses[UID][-1]
    assert (status["phase"], status["failed"], status["cancelled"]) == ("Cancelled", 0, 6)


def taken_over(world: World) -> Leader:
    """Another leader, from the last status that was written."""
    body = job_body(version=world.version, **world.spec)
    resource = parse({**body, "status": world.statuses[UID][-1]})
    leader = Leader(9, "other", "ns/name")
    alive = list(world.workers)
    leader.take_over([resource], [a_node("n1", 2), a_node("n2", 2)], at(world.now), alive)
    world.leader = leader
    return leader


def test_after_a_take_over_only_what_somebody_holds_or_nobody_got_goes_on():
    world = a_world(2, 2, completions=100, **ONCE)
    world.report_all()
    world.deliver()
    held = len(world.workers[N1].jobs[UID].queued)
    bound = world.statuses[UID][-1]["dispatchedBelow"]
    assert 4 <= bound < 100
    del world.workers["default", "n2"]
    taken_over(world)
    world.deliver()
    world.report_all()
    world.run(UID)
    assert outcome(world) == (held + 100 - bound, bound - held, {"Interrupted"})


def test_a_leader_that_leaves_in_order_takes_back_what_it_only_announced():
    world = a_world(2, completions=100, **ONCE)
    world.report_all()
    world.deliver()
    handed = max(world.workers[N1].jobs[UID].queued) + 1
    assert world.statuses[UID][-1]["dispatchedBelow"] > handed
    world.leader.retire()
    world.deliver()
    world.now += 2
    world.deliver()
    assert world.statuses[UID][-1]["dispatchedBelow"] == handed


def test_a_crashed_worker_that_speaks_of_an_earlier_run_has_not_kept_what_it_ran():
    world = a_world(1, completions=1, **ONCE)
    world.run(UID, lambda index, ended: "Error")
    heard(world)
    edit(world, rerun={"token": "again"})
    for _ in range(4):
        heard(world)
    started(world)
    assert world.leader.jobs[UID].ledger.running[N1]
    # That its earlier results stand in a checkpoint was not heard.
    earlier = structs.replace(world.workers[N1].jobs[UID].define, run=0)
    worker = world.restart("n1")
    job = worker.jobs[UID] = FakeJob(earlier)
    job.record(BitMap(), [Failure(0, 0, "Error", 1, 0, "")], BitMap())
    world.report_all()
    world.deliver()
    for _ in range(5):
        world.tick()
    assert not worker.ran
    assert last(world)["phase"] == "Failed"
