"""Whatever goes wrong on the way, every index ends with exactly one outcome."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from distributedjob_api.indexes import parse_indexes
from tests.support.builders import at, job_body
from tests.support.simulation import Agent, Behaviour, Faults, Simulation

SEEDS = st.integers(0, 2**32 - 1)
TASKS = 40
HOPELESS = frozenset({3, 17})
FLAKY = frozenset({1, 5, 8, 29})


def behaviour(random: Random) -> Behaviour:
    scale = random.choice([0.02, 0.3, 2.0])
    lengths = [scale * random.random() for _ in range(TASKS)]

    def failure(index: int, ended: int) -> str:
        fails = index in HOPELESS or (index in FLAKY and ended < 2)
        return "ExitCode" if fails else ""

    return Behaviour(lambda index: lengths[index], failure)


def a_simulation(random: Random, *, jobs: int = 1, **spec: Any) -> Simulation:
    does = behaviour(random)
    agents = {
        name: Agent(name, random.choice([1000, 2000, 4000]), does) for name in ("n1", "n2", "n3")
    }
    spec = {
        "completions": TASKS,
        "backoffLimitPerIndex": 3,
        "interruptionLimit": 100,
        "retryPolicy": {
            "initialSeconds": 0,
            "placement": random.choice(["Anywhere", "OtherNode"]),
        },
        **spec,
    }
    if random.random() < 0.3:
        spec["parallelism"] = random.choice([1, 3, 50])
    bodies = {
        f"uid-j{number}": job_body(f"j{number}", cpu=random.choice(["500m", "1", "1"]), **spec)
        for number in range(jobs)
    }
    return Simulation(random, agents, bodies)


def disturb(world: Simulation) -> None:
    """One thing that may go wrong at any moment."""
    random = world.random
    agent = random.choice(list(world.agents.values()))
    match random.randrange(40):
        case 0:
            agent.start()
        case 1:
            agent.paused = True
        case 2 | 3 | 4:
            agent.paused = False
        case 5:
            world.lead(alive=random.random() < 0.5)
        case 6:
            world.leader.node_gone(agent.name, now=_now(world))
            node = next(node for node in world.nodes if node.name == agent.name)
            world.leader.node_seen(node, _now(world))
        case 7:
            world.leader.reconnected(_now(world))
        case _:
            pass


def _now(world: Simulation) -> Any:
    return at(world.now)


def chaos(world: Simulation, steps: int) -> None:
    random = world.random
    world.faults = Faults(
        loss=random.choice([0.0, 0.05, 0.3]),
        duplicate=random.choice([0.0, 0.1]),
        delay=random.choice([0.0, 0.2, 1.0]),
        conflict=random.choice([0.0, 0.3]),
        unanswered=random.choice([0.0, 0.3]),
    )
    for _ in range(steps):
        disturb(world)
        world.step(random.choice([0.02, 0.1, 0.1, 0.1, 1.0, 6.0]))
        partition_holds(world)


def partition_holds(world: Simulation) -> None:
    """Every wanted index is in exactly one place; one with an outcome may still run."""
    for job in world.leader.jobs.values():
        ledger = job.ledger
        done = [*ledger.recorded.succeeded, *ledger.recorded.failed]
        held = [index for indexes in ledger.assigned.values() for index in indexes]
        assert len(held) == len(set(held))
        undone = [index for index in held if index not in set(done)]
        places = [*done, *undone, *ledger.fresh, *ledger.ready, *ledger._waiting]
        assert sorted(places) == list(ledger.wanted)


def heal(world: Simulation, steps: int = 400) -> None:
    world.faults = Faults()
    for agent in world.agents.values():
        agent.paused = False
    for _ in range(steps):
        world.step(0.25)
        done = all(job.finished and not job.dirty for job in world.leader.jobs.values())
        if done and not world.writes and all(agent.core.settled for agent in world.agents.values()):
            return
    raise AssertionError(
        [(job.phase, job.ledger) for job in world.leader.jobs.values()]
        + [agent.core._states() for agent in world.agents.values()]
    )


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_every_index_gets_the_outcome_of_its_command_whatever_goes_wrong(seed: int):
    random = Random(seed)
    world = a_simulation(random, jobs=random.choice([1, 1, 2]))
    chaos(world, 60)
    heal(world)
    for body in world.bodies.values():
        status = body["status"]
        assert set(parse_indexes(status["failedIndexes"], TASKS)) == HOPELESS
        assert set(parse_indexes(status["completedIndexes"], TASKS)) == set(range(TASKS)) - HOPELESS
        assert status["phase"] == "Failed"
        ran = {
            index
            for agent in world.agents.values()
            for uid, index, _ in agent.ran
            if uid == body["metadata"]["uid"]
        }
        assert ran == set(range(TASKS)) - HOPELESS


def ended_everywhere(world: Simulation) -> bool:
    return not any(
        job.waiting or job.running
        for agent in world.agents.values()
        for job in agent.core.queues.jobs.values()
    )


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_cancelled_job_ends_with_every_task_accounted_for_whatever_goes_wrong(seed: int):
    random = Random(seed)
    world = a_simulation(random)
    chaos(world, random.randrange(30))
    world.edit("uid-j0", parallelism=random.choice([0, 2, 100]))
    chaos(world, random.randrange(20))
    world.edit("uid-j0", cancel=True)
    chaos(world, random.randrange(20))
    heal(world)
    status = world.bodies["uid-j0"]["status"]
    assert status["phase"] in ("Cancelled", "Failed")
    assert status["succeeded"] + status["failed"] + status["cancelled"] == TASKS
    assert status["pending"] == status["running"] == 0
    assert ended_everywhere(world)
    ran = {index for agent in world.agents.values() for _, index, _ in agent.ran}
    assert set(parse_indexes(status["completedIndexes"], TASKS)) <= ran


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_nothing_of_a_deleted_job_goes_on_whatever_goes_wrong(seed: int):
    random = Random(seed)
    world = a_simulation(random, jobs=2)
    chaos(world, random.randrange(30))
    world.delete("uid-j1")
    chaos(world, random.randrange(20))
    heal(world)
    for _ in range(40):
        world.step(0.25)
    assert ended_everywhere(world)
    assert world.bodies["uid-j0"]["status"]["phase"] == "Failed"
    assert all(agent.core.settled for agent in world.agents.values())
