"""Workers as the leader knows them: numbered commands, and what each may be given."""

import pytest

from distributedjob_api.indexes import from_ranges
from distributedjob_api.messages import (
    Assign,
    Attempt,
    Commands,
    Forget,
    command_size,
    encode_message,
)
from distributedjob_api.template import TEMPLATE_CHARACTERS
from distributedjob_operator.core import cutting
from distributedjob_operator.core.fleet import Fleet, Node, Worker
from tests.support.builders import a_node
from tests.support.worker_driver import assign, define


def a_worker(name: str = "n1", cpus: int = 2, pool: str = "default") -> Worker:
    return Worker((pool, name), "i1", 1, name, "127.0.1.1", cpus * 1000, 2**30, 0.0)


def ordered(worker: Worker, count: int) -> None:
    for _ in range(count):
        worker.order(Forget(worker.next_number(), "uid"))


def numbers(worker: Worker, now: float) -> list[int]:
    return [command.number for message in worker.flush(now) for command in message]


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


def test_commands_fill_as_many_messages_as_the_bus_needs():
    worker = a_worker()
    for job in range(130):
        worker.order(define("/bin/echo", "x" * 65_000, number=worker.next_number(), uid=f"{job}"))
        worker.order(assign((0, 0), number=worker.next_number(), uid=f"{job}"))
    sent = worker.flush(0.0)
    assert max(len(encode_message(Commands(1, 1, one))) for one in sent) < 600_000
    assert [command.number for one in sent for command in one] == list(range(1, 261))
    assert worker.flush(1.0) == sent


def test_the_largest_definition_fits_into_a_message():
    longest = "\U0001f600" * TEMPLATE_CHARACTERS
    worker = a_worker()
    worker.order(define(*longest, number=worker.next_number()))
    ((only,),) = worker.flush(0.0)
    assert command_size(only) < cutting.MESSAGE_BYTES


def test_an_assignment_with_a_whole_config_map_of_items_goes_in_parts():
    worker = a_worker()
    tried = [Attempt(index, 1, 1) for index in range(1, 200, 2)]
    items = [f"{index:04000d}" for index in [*range(200, 400), *range(1, 200, 2)]]
    worker.order(
        Assign(worker.next_number(), "uid", 1, [(200, 299), (300, 399)], tried, items, 0, 7)
    )
    worker.order(Forget(worker.next_number(), "uid"))
    sent = worker.flush(0.0)
    assert max(len(encode_message(Commands(1, 1, one))) for one in sent) < 600_000
    commands = [command for one in sent for command in one]
    assert [command.number for command in commands] == list(range(1, len(commands) + 1))
    got = {}
    for command in commands[:-1]:
        assert isinstance(command, Assign)
        assert (command.uid, command.run, command.priority) == ("uid", 1, 7)
        indexes = [*from_ranges(command.fresh), *(attempt.index for attempt in command.retries)]
        got |= dict(zip(indexes, command.items, strict=True))
    assert got == {int(item): item for item in items}
    assert len(worker.in_flight("uid")) == 300


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
