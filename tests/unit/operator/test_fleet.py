"""Workers as the leader knows them: numbered commands, and what each may be given."""

import pytest

from distributedjob_api.messages import Assign, Attempt, Forget
from distributedjob_operator.core.fleet import Fleet, Node, Worker
from tests.support.builders import a_node


def a_worker(name: str = "n1", cpus: int = 2, pool: str = "default") -> Worker:
    return Worker((pool, name), "i1", 1, name, "127.0.1.1", cpus * 1000, 2**30, 0.0)


def ordered(worker: Worker, count: int) -> None:
    for _ in range(count):
        worker.order(Forget(worker.next_number(), "uid"))


def numbers(worker: Worker, now: float) -> list[int]:
    return [command.number for command in worker.flush(now)]


def test_commands_are_numbered_without_a_gap_and_sent_once():
    worker = a_worker()
    ordered(worker, 3)
    assert numbers(worker, 0.0) == [1, 2, 3]
    assert numbers(worker, 0.1) == []


def test_commands_not_seen_applied_are_repeated_after_a_while():
    worker = a_worker()
    ordered(worker, 3)
    worker.flush(0.0)
    worker.confirm(1, 0.2)
    assert numbers(worker, 0.6) == []
    assert numbers(worker, 0.75) == [2, 3]
    assert numbers(worker, 0.8) == []


def test_new_commands_do_not_put_off_the_repetition_of_lost_ones():
    worker = a_worker()
    ordered(worker, 1)
    worker.flush(0.0)
    for now in (0.2, 0.4):
        ordered(worker, 1)
        worker.flush(now)
    ordered(worker, 1)
    assert numbers(worker, 0.6) == [1, 2, 3, 4]


def test_an_older_confirmation_takes_nothing_back():
    worker = a_worker()
    ordered(worker, 3)
    worker.flush(0.0)
    worker.confirm(2, 0.1)
    worker.confirm(1, 0.2)
    assert numbers(worker, 5.0) == [3]


def test_what_was_assigned_after_the_last_command_applied_is_in_flight():
    worker = a_worker()
    worker.order(Assign(worker.next_number(), "uid", 0, [(0, 3)], [], [], 0))
    worker.flush(0.0)
    worker.order(Assign(worker.next_number(), "uid", 0, [], [Attempt(9, 1, 1)], [], 0))
    worker.order(Assign(worker.next_number(), "another", 0, [(50, 60)], [], [], 0))
    assert set(worker.in_flight("uid")) == {0, 1, 2, 3, 9}
    worker.confirm(1, 0.1)
    assert set(worker.in_flight("uid")) == {9}


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(None, id="its node is not registered"),
        pytest.param(a_node("n1", 4, cordoned=True), id="its node is cordoned"),
        pytest.param(Node("n1", "", 4000, ready=False, cordoned=False), id="its node is not ready"),
    ],
)
def test_a_worker_gets_nothing_while_its_node_is_not_schedulable(node: Node | None):
    fleet = Fleet(workers={("default", "n1"): a_worker()})
    if node is not None:
        fleet.nodes["n1"] = node
    assert list(fleet.usable("default")) == []
    assert fleet.largest(fleet.usable("default")) == (0, 0)


def test_a_worker_offers_the_smaller_of_what_its_node_and_it_itself_allow():
    small, large = a_worker("n1", 2), a_worker("n2", 8)
    fleet = Fleet({"n1": a_node("n1", 4), "n2": a_node("n2", 4)})
    assert (fleet.capacity(small), fleet.capacity(large)) == (2000, 4000)


def test_a_pool_is_served_by_its_own_workers_that_stay():
    fleet = Fleet({name: a_node(name) for name in ("n1", "n2", "n3")})
    for worker in (a_worker("n1"), a_worker("n2", pool="gpu"), a_worker("n3")):
        fleet.workers[worker.key] = worker
    fleet.workers["default", "n3"].leaving = True
    assert [worker.key for worker in fleet.usable("default")] == [("default", "n1")]
