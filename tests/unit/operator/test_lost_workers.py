"""Workers that die, return or start anew: their tasks run, and nothing counts twice."""

from distributedjob_operator.core import reporting
from tests.support.builders import at
from tests.support.worlds import N1, N2, UID, a_world, killed, last, ran


def test_tasks_of_a_killed_worker_run_elsewhere():
    world = a_world(1, 1)
    world.workers[N1].start()
    world.report_all()
    killed(world, "n1")
    world.run(UID)
    assert (last(world)["phase"], last(world)["interruptions"]) == ("Complete", 1)
    assert set(ran(world)) == set(range(10))


def test_a_worker_that_is_busy_for_long_is_not_lost_while_it_reports():
    world = a_world(1)
    world.workers[N1].start()
    for _ in range(20):
        world.now += 5
        world.report_all()
        world.deliver()
    world.run(UID)
    assert (ran(world)[0], last(world)["interruptions"]) == (1, 0)


def test_a_deleted_node_loses_its_tasks_at_once():
    world = a_world(1, 1)
    world.workers[N1].start()
    world.report_all()
    world.leader.node_gone("n1", at(world.now))
    del world.workers[N1]
    world.run(UID)
    assert last(world)["phase"] == "Complete"
    assert world.now < 5


def test_a_late_result_of_a_lost_worker_counts_while_there_is_no_outcome():
    world = a_world(1, 1)
    world.workers[N1].start()
    world.report_all()
    lost = killed(world, "n1")
    lost.finish()
    world.workers[N1] = lost
    world.report_all()
    world.deliver()
    world.report_all()
    world.deliver()
    assert 0 in world.leader.jobs[UID].ledger.recorded.succeeded
    world.run(UID)
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Complete", 10)


def test_a_late_failure_of_a_lost_worker_is_not_charged_a_second_time():
    world = a_world(1, 1, backoffLimitPerIndex=0)
    world.workers[N1].start()
    world.report_all()
    lost = killed(world, "n1")
    lost.finish(lambda index, ended: "ExitCode")
    world.workers[N1] = lost
    world.report_all()
    world.deliver()
    world.run(UID)
    assert (last(world)["phase"], last(world)["failed"]) == ("Complete", 0)


def test_what_runs_again_elsewhere_is_ended_at_a_worker_that_returns():
    world = a_world(1, 1)
    for worker in world.workers.values():
        worker.start()
    world.report_all()
    lost = killed(world, "n1")
    for _ in range(10):
        world.tick()
    world.workers[N1] = lost
    for _ in range(4):
        world.report_all()
        world.deliver()
    assert not any(job.running for job in lost.jobs.values())


def test_an_agent_that_crashed_is_charged_for_what_ran_and_not_for_what_waited():
    world = a_world(2)
    worker = world.workers[N1]
    worker.start()
    world.report_all()
    world.restart("n1")
    world.deliver()
    world.run(UID)
    assert (last(world)["phase"], last(world)["interruptions"]) == ("Complete", 2)


def test_a_crashed_agent_that_says_hello_twice_is_charged_all_the_same():
    world = a_world(2)
    world.workers[N1].start()
    world.report_all()
    new = world.restart("n1")
    reporting.hello(world.leader, N1, new.hello(), at(world.now))
    world.deliver()
    world.report_all()
    assert world.leader.jobs[UID].ledger.recorded.interruptions == 2


def test_results_that_an_agent_kept_over_its_crash_are_counted():
    world = a_world(2)
    worker = world.workers[N1]
    worker.start()
    worker.finish()
    world.restart("n1")
    world.deliver()
    world.run(UID)
    assert (last(world)["interruptions"], sum(ran(world).values())) == (0, 8)


def test_an_index_that_kills_its_agent_every_time_fails():
    world = a_world(1, completions=1, interruptionLimit=2)
    for _ in range(3):
        world.workers[N1].start()
        world.report_all()
        world.restart("n1")
        world.deliver()
        world.report_all()
        world.deliver()
    assert (last(world)["phase"], last(world)["interruptions"]) == ("Failed", 3)


def test_a_job_is_over_only_when_no_second_run_of_a_task_goes_on():
    world = a_world(1, 1)
    world.workers[N1].start()
    world.report_all()
    lost = killed(world, "n1")
    for _ in range(3):
        world.tick()
    lost.graceful = True
    world.workers[N1] = lost
    for _ in range(20):
        world.now += 0.05
        world.workers[N2].start()
        world.workers[N2].finish()
        world.report_all()
        world.deliver()
    assert (last(world)["phase"], last(world)["succeeded"]) == ("Running", 10)
    lost.stop()
    world.report_all()
    world.deliver()
    assert last(world)["phase"] == "Complete"
