"""Another leader: it goes on from the record and from what the workers say."""

import json

import pytest

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import (
    Announce,
    Commands,
    Failure,
    Hello,
    JobReport,
    Refusal,
    Report,
    Welcome,
)
from distributedjob_api.v1alpha1 import Phase, parse
from distributedjob_operator.core import awaited, reporting
from distributedjob_operator.core.effects import RaiseEpoch, WorkerKey
from distributedjob_operator.core.explain import why_waiting
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import LISTEN_SECONDS, Leader
from distributedjob_operator.core.round import seconds_to_next, settle
from distributedjob_operator.core.verdict import Verdict
from tests.support.builders import a_job, a_node, at, job_body
from tests.support.fleet import FakeWorker, World
from tests.support.worlds import (
    N1,
    N2,
    UID,
    a_report,
    a_world,
    heard,
    last,
    ran,
    replaced,
    sent,
    started,
    successor,
)


def test_a_new_leader_goes_on_from_the_record_and_repeats_nothing_of_it():
    world = a_world(2)
    for _ in range(2):
        world.now += 2
        world.tick()
    done = set(world.leader.jobs[UID].ledger.recorded.succeeded)
    assert len(done) >= 4
    successor(world)
    world.deliver()
    world.run(UID)
    assert (last(world)["phase"], last(world)["epoch"], last(world)["succeeded"]) == (
        "Complete",
        6,
        10,
    )
    assert all(count == 1 for count in ran(world).values())


def test_retries_and_failures_outlive_the_leader():
    world = a_world(1, completions=1, backoffLimitPerIndex=1)
    world.now = 2.0
    world.tick(lambda index, ended: "ExitCode")
    world.now += 2
    world.deliver()
    successor(world, completions=1, backoffLimitPerIndex=1, retryPolicy={"initialSeconds": 0})
    world.deliver()
    world.run(UID, lambda index, ended: "ExitCode")
    assert (last(world)["phase"], last(world)["retries"], ran(world)[0]) == ("Failed", 1, 2)


def test_two_leaders_that_saw_the_first_attempt_end_in_different_ways_charge_it_once():
    policy = {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [42]}}]}
    world = a_world(1, completions=1, failurePolicy=policy)
    worker = world.workers[N1]
    # Here it is ignored; the last leader had charged another run of it before it died.
    for failure in (Failure(0, 0, "Error", 42, 0, ""), Failure(0, 1, "Error", 1, 0, "", 1)):
        worker.start()
        worker.jobs[UID].running.clear()
        worker.jobs[UID].record(BitMap(), [failure], BitMap())
        heard(world, 2.0)
        heard(world, 2.0)
    assert not world.leader.poisoned
    assert (last(world)["failures"], last(world)["retries"]) == (1, 2)


def test_a_new_leader_waits_for_the_statement_of_a_worker_before_it_plans_on():
    world = a_world(1, 1)
    successor(world)
    settle(world.leader, at(world.now))
    assert not sent(world.leader.take_effects(), Commands)
    world.deliver()
    assert why_waiting(world.leader, world.leader.jobs[UID], at(world.now))[0] == "TakingOver"


def test_a_worker_of_another_pool_does_not_answer_for_its_node():
    world = a_world(1)
    successor(world)
    job = world.leader.jobs[UID]
    assert job.awaited == {"n1"}
    other = FakeWorker("n1", pool="gpu")
    world.workers[other.key] = other
    reporting.hello(world.leader, other.key, other.hello(), at(0))
    world.deliver()
    a_report(world, other)
    assert job.awaited == {"n1"}


def test_a_worker_that_never_answers_is_waited_for_only_so_long():
    world = a_world(1, 1)
    successor(world)
    del world.workers[N1]
    for _ in range(5):
        world.now += 5
        world.report_all()
        world.deliver()
    world.run(UID)
    assert last(world)["phase"] == "Complete"


def test_a_job_whose_results_are_on_their_way_goes_on_waiting_while_the_others_do_not():
    leader = Leader(5, "new", "ns/name")
    resources = [a_job(name, completions=1) for name in ("one", "two", "three")]
    leader.take_over(resources, [a_node("n1"), a_node("n2")], at(0), [N1, N2], listened=60.0)
    worker = FakeWorker("n1")
    reporting.hello(leader, N1, worker.hello(), at(0))
    (welcome,) = sent(leader.take_effects(), Welcome)
    # Of the second job a result was made that this report, cut for its size, has not.
    two = JobReport("uid-two", "default", "two", 0, [], [], acked_seq=0, last_seq=1, entries=[])
    said = Report(worker.incarnation, 5, welcome.session, 0, [two])
    reporting.report(leader, N1, said, at(0))
    awaited_of = {job.name: job.awaited for job in leader.jobs.values()}
    assert awaited_of == {"one": {"n2"}, "two": {"n1", "n2"}, "three": {"n2"}}


def test_what_thousands_of_jobs_wait_for_is_remembered_once():
    leader = Leader(5, "new", "ns/name")
    nodes = [a_node(f"n{number}") for number in range(50)]
    resources = [a_job(f"job-{number}") for number in range(20)]
    alive = [("default", node.name) for node in nodes]
    leader.take_over(resources, nodes, at(0), alive, listened=60.0)
    assert len({id(job.awaited) for job in leader.jobs.values()}) == 1


def taken_over(world: World, *alive: WorkerKey, listened: float) -> Job:
    """Another replica leads before anything of the job was ever recorded."""
    nodes = list(world.leader.fleet.nodes.values())
    world.leader = Leader(world.leader.epoch + 1, "other", "ns/name")
    resource = a_job(version=world.version, **world.spec)
    world.leader.take_over([resource], nodes, at(world.now), alive, listened=listened)
    return world.leader.jobs[UID]


def test_a_job_of_which_nothing_is_recorded_waits_for_the_workers_that_live():
    world = a_world(1, 1)
    started(world)
    job = taken_over(world, N1, N2, listened=60.0)
    assert job.awaited == {"n1", "n2"}
    n2 = world.workers.pop(N2)
    heard(world)
    assert not world.workers[N1].jobs[UID].queued
    world.workers[N2] = n2
    world.run(UID)
    assert all(count == 1 for count in ran(world).values())


def test_a_replica_that_has_just_begun_to_listen_hears_first_who_lives():
    world = a_world(1, 1)
    started(world)
    job = taken_over(world, listened=0.0)
    n2 = world.workers.pop(N2)
    # Of n2 no more is heard than that it lives: its answer to the announcement is lost.
    reporting.report(world.leader, N2, n2.report(), at(world.now))
    world.deliver()
    heard(world)
    assert seconds_to_next(world.leader, at(world.now)) < LISTEN_SECONDS
    assert not world.workers[N1].jobs[UID].queued
    heard(world, seconds=LISTEN_SECONDS)
    assert job.awaited == {"n2"}
    world.workers[N2] = n2
    world.run(UID)
    assert all(count == 1 for count in ran(world).values())


def test_a_worker_that_is_heard_is_waited_for_however_long_its_answer_takes():
    world = a_world(1, 1)
    started(world)
    job = taken_over(world, N1, N2, listened=60.0)
    n2 = world.workers[N2]
    for _ in range(30):
        world.now += 1.0
        # Of an older epoch, as long as the announcement does not reach it.
        reporting.report(world.leader, N2, n2.report(), at(world.now))
        world.leader.proved(at(world.now))
        awaited.expire(world.leader, at(world.now))
    assert job.awaited == {"n2"}


def test_nobody_is_given_up_while_the_bus_does_not_answer():
    world = a_world(1)
    job = taken_over(world, N1, listened=60.0)
    awaited.expire(world.leader, at(60.0))
    assert job.awaited == {"n1"}
    world.leader.reconnected(at(60.0))
    awaited.expire(world.leader, at(70.0))
    assert job.awaited == {"n1"}
    world.leader.proved(at(81.0))
    awaited.expire(world.leader, at(81.0))
    assert not job.awaited


def test_a_job_whose_tasks_all_ended_under_another_leader_has_a_start():
    world = a_world(10)
    world.workers[N1].start()
    world.workers[N1].finish()
    world.statuses.clear()
    successor(world)
    world.deliver()
    world.report_all()
    world.deliver()
    assert last(world)["phase"] == "Complete"
    assert last(world)["startTime"]


def test_the_start_that_was_recorded_first_stands():
    world = a_world(1)
    status = json.loads(json.dumps(last(world)))
    # The leader before us wrote once more, of the tasks that it had handed out.
    status |= {"epoch": 4, "leader": "other", "startTime": "2025-12-31T23:59:59Z"}
    body = job_body(version=world.version + 50, **world.spec)
    world.leader.job_seen(parse({**body, "status": status}), at(world.now))
    start = world.leader.jobs[UID].start_time
    assert start is not None
    assert start.isoformat() == "2025-12-31T23:59:59+00:00"


def test_a_verdict_that_falls_has_the_workers_take_the_job_up_again():
    world = a_world(1)
    job, worker = world.leader.jobs[UID], world.leader.fleet.workers[N1]
    job.verdict = Verdict(Phase.FAILED, ("BackoffLimitExceeded", "too many"))
    world.leader.end_at(worker, job, BitMap([0]))
    assert UID in worker.ended
    status = last(world) | {"epoch": 4, "leader": "other"}
    body = job_body(version=world.version + 50, **world.spec)
    world.leader.job_seen(parse({**body, "status": status}), at(world.now))
    assert job.verdict is None
    assert UID not in {*worker.ended, *worker.ending, *worker.defined}


def test_a_worker_of_an_older_epoch_is_told_of_ours():
    world = a_world(1)
    world.leader.new_epoch(9)
    world.leader.take_effects()
    (announce,) = sent(a_report(world, world.workers[N1]), Announce)
    assert announce.epoch == 9


def test_an_epoch_above_ours_is_never_ignored():
    world = a_world(1)
    world.leader.take_effects()
    reporting.hello(world.leader, N2, Hello("i", 99, "n2", "", "", 1, 1, []), at(0))
    body = job_body(version=90_000)
    body["status"] = {"epoch": 50, "leader": "elsewhere"}
    world.leader.job_seen(parse(body), at(0))
    assert world.leader.take_effects() == [RaiseEpoch(99), RaiseEpoch(50)]


def test_what_backed_off_waits_anew_under_another_leader():
    world = a_world(1, completions=1, retryPolicy={"initialSeconds": 30})
    world.now = 2.0
    world.tick(lambda index, ended: "ExitCode")
    world.now += 2
    world.deliver()
    replaced(world)
    for _ in range(28):
        heard(world, seconds=1.0)
    assert not world.workers[N1].jobs[UID].queued
    for _ in range(3):
        heard(world, seconds=1.0)
    assert list(world.workers[N1].jobs[UID].queued) == [0]


def test_a_worker_gets_nothing_before_it_has_said_what_it_holds():
    world = a_world(1, 1, completions=1)
    holder = next(worker for worker in world.workers.values() if worker.jobs)
    holder.start()
    world.leader = Leader(world.leader.epoch + 1, "other", "ns/name")
    nodes = [a_node("n1"), a_node("n2")]
    world.leader.take_over([], nodes, at(world.now))
    world.leader.take_effects()
    for worker in world.workers.values():
        reporting.hello(world.leader, worker.key, worker.hello(), at(world.now))
    # A job that no worker has seen yet need not wait for any statement but theirs.
    world.leader.job_seen(a_job("new", completions=1), at(world.now))
    settle(world.leader, at(world.now))
    assert not sent(world.leader.take_effects(), Commands)


@pytest.mark.parametrize(
    ("above", "heeded"),
    [
        pytest.param(1, True, id="the next one"),
        pytest.param(2**32, True, id="as far as a backup may lie back"),
        pytest.param(2**32 + 1, False, id="further than any API server could have come"),
        pytest.param(0, False, id="our own"),
    ],
)
def test_an_epoch_that_no_api_server_can_have_given_is_not_heeded(above: int, heeded: bool):
    world = a_world(1)
    reporting.refusal(world.leader, Refusal("i1", world.leader.epoch + above))
    raised = [one for one in world.leader.take_effects() if isinstance(one, RaiseEpoch)]
    assert bool(raised) is heeded


def test_a_worker_that_died_with_the_leader_holds_up_only_what_it_may_have_held():
    world = a_world(1, 1, completions=40)
    for worker in world.workers.values():
        worker.start()
    world.report_all()
    world.now += 1
    world.deliver()
    bound = last(world)["dispatchedBelow"]
    assert bound < 40
    dead = world.workers.pop(N2)
    job = replaced(world)
    world.now += 1
    world.report_all()
    world.deliver()
    assert job.awaited == {"n2"}
    assert not world.workers[N1].jobs[UID].queued
    for _ in range(100):
        world.tick()
    held = {index for one in dead.jobs.values() for index in (one.queued | one.running)}
    done = set(job.ledger.recorded.succeeded)
    assert done >= set(range(bound, 40))
    assert not done & held
    world.now += 20
    world.run(UID)
    assert last(world)["phase"] == "Complete"
