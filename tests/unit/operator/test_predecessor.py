"""A new object of the same name waits for what runs of the old one."""

from distributedjob_operator.core.effects import PurgeJournal
from tests.support.builders import a_job, at
from tests.support.fleet import World
from tests.support.worlds import N1, UID, a_world, killed, replaced

NEW = "uid-new"


def waiting(world: World, uid: str = NEW) -> str:
    """Why a job waits, by its status."""
    world.now += 2
    world.report_all()
    world.deliver()
    conditions = {one["type"]: one["reason"] for one in world.statuses[uid][-1]["conditions"]}
    return conditions["Reconciling"]


def created_anew(world: World) -> None:
    world.version += 1
    job = a_job(uid=NEW, version=world.version, retryPolicy={"initialSeconds": 0})
    world.leader.job_seen(job, at(world.now))
    world.deliver()


def a_world_with_a_deleted_job(*cpus: int) -> World:
    world = a_world(*cpus)
    for worker in world.workers.values():
        worker.graceful = True
        worker.start()
    world.report_all()
    world.leader.job_gone(UID)
    world.deliver()
    return world


def held(world: World) -> bool:
    return any(NEW in worker.jobs for worker in world.workers.values())


def test_it_starts_when_the_old_tasks_have_ended():
    world = a_world_with_a_deleted_job(1, 1)
    created_anew(world)
    assert waiting(world) == "WaitingForPredecessor"
    assert not held(world)
    for worker in world.workers.values():
        worker.stop()
    world.report_all()
    world.deliver()
    world.run(NEW)
    assert world.statuses[NEW][-1]["phase"] == "Complete"


def test_it_starts_when_the_worker_of_the_old_ones_is_lost():
    world = a_world_with_a_deleted_job(1, 1)
    world.workers["default", "n2"].stop()
    created_anew(world)
    killed(world, "n1")
    world.run(NEW)
    assert world.statuses[NEW][-1]["phase"] == "Complete"


def test_a_new_leader_finds_out_from_the_workers():
    world = a_world(1)
    world.workers[N1].graceful = True
    world.workers[N1].start()
    world.report_all()
    world.deliver()
    replaced(world)
    # Deleted and created anew before this leader listed.
    world.leader.drop(UID)
    created_anew(world)
    world.report_all()
    assert waiting(world) == "WaitingForPredecessor"
    world.workers[N1].stop()
    world.run(NEW)
    assert {uid for uid, _ in world.workers[N1].ran[1:]} == {NEW}


def test_jobs_of_other_names_do_not_wait():
    world = a_world_with_a_deleted_job(1, 1)
    world.leader.job_seen(a_job("other"), at(world.now))
    world.workers["default", "n2"].stop()
    world.report_all()
    world.deliver()
    assert world.leader.jobs["uid-other"].ledger.busy


def test_the_journal_of_a_deleted_job_is_purged_once():
    world = a_world_with_a_deleted_job(1)
    world.leader.job_gone(UID)
    world.deliver()
    assert [one for one in world.others if isinstance(one, PurgeJournal)] == [PurgeJournal(UID)]
