"""The leader's shell: what its ports answer is never the end of it."""

import asyncio
from itertools import pairwise

import pytest

from distributedjob_api.messages import Report, encode_message
from distributedjob_api.subjects import Subjects
from distributedjob_operator import controller as controller_module
from distributedjob_operator.controller import Controller
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.effects import RaiseEpoch
from distributedjob_operator.core.leader import Leader, Tuning
from distributedjob_operator.ports import Conflict, Denied, Kubernetes, Unavailable
from distributedjob_operator.troubles import Troubles
from tests.support.builders import a_node, at, job_body

SUBJECTS = Subjects("ns/name")


class Ports:
    """A clock that is set, a Lease that is held and cannot be asked, and a full API server."""

    valid = True
    identity = "me"

    def __init__(self, error: Exception | None = None) -> None:
        self.seconds = 0.0
        self.error = error
        self.troubles = Troubles()

    def now(self) -> Instant:
        return at(self.seconds)

    async def raise_epoch(self, seen: int) -> int:
        if self.error is not None:
            raise self.error
        return seen + 1

    async def list_jobs(self):
        return [job_body()]

    async def list_nodes(self):
        return [a_node("n1"), a_node("n2")]


def a_controller(ports: Ports) -> Controller:
    api = Kubernetes(ports, ports, ports, ports)
    return Controller(api, ports, ports, ports, ports, SUBJECTS, Tuning())


def a_report(controller: Controller, name: str) -> None:
    data = encode_message(Report("i", 1, 1, 0, []))
    controller.message(SUBJECTS.leader("default", name), data)


@pytest.mark.parametrize(
    ("error", "epoch"),
    [
        pytest.param(None, 8, id="it is told"),
        pytest.param(Unavailable("no answer"), 5, id="no answer"),
        pytest.param(Conflict("renewed meanwhile"), 5, id="renewed meanwhile"),
    ],
)
async def test_an_epoch_that_cannot_be_looked_into_now_ends_nobody(error, epoch):
    leader = Leader(5, "me", "ns/name")
    await a_controller(Ports(error))._perform(leader, RaiseEpoch(7))
    assert leader.epoch == epoch


async def test_a_list_shows_the_leader_what_the_watch_did_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(controller_module, "EVENTS_LATE_SECONDS", 0.0)
    listed = [job_body("known"), job_body("changed"), job_body("gone")]

    told: list[str] = []

    class Listing(Ports):
        async def list_jobs(self):
            return listed

        async def write_status(self, _, name: str, *__: object) -> str:
            told.append(name)
            return "9"

    controller = a_controller(ports := Listing())
    controller._leading = True
    controller._leader = leader = await controller._take_over(5)
    known = leader.jobs["uid-known"]
    ports.seconds = 60.0
    newer = job_body("changed", version=2000, cancel=True)
    newer["metadata"]["generation"] = 2
    # One that is held in this version is not even read.
    unreadable = job_body("known")
    unreadable["spec"] = None
    listed[:] = [unreadable, newer, job_body("new")]
    await controller._relist()
    await controller._handle_inbox(leader)
    assert leader.jobs.keys() == {"uid-known", "uid-changed", "uid-new"}
    assert leader.jobs["uid-known"] is known
    await asyncio.gather(*controller._work._tasks)
    assert not told
    assert leader.jobs["uid-changed"].spec.cancel


async def test_a_standby_counts_silence_only_while_the_bus_is_proved_to_answer():
    ports = Ports()
    controller = a_controller(ports)
    a_report(controller, "n1")
    ports.seconds = 15.0
    controller.proved()
    # Ten seconds without an answer: nobody could be heard.
    ports.seconds = 25.0
    leader = await controller._take_over(5)
    assert leader.jobs["uid-job"].awaited == {"n1"}


async def test_a_leader_that_may_list_nothing_leaves_when_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(controller_module, "RETRY_LIST_SECONDS", 0.01)
    asked = asyncio.Event()

    class Refusing(Ports):
        async def list_jobs(self):
            asked.set()
            raise Denied("HTTP 403 Forbidden")

    controller = a_controller(Refusing())
    leading = asyncio.create_task(controller.lead(5))
    async with asyncio.timeout(5):
        await asked.wait()
        controller.retire()
        await leading


async def test_a_standby_that_was_away_has_only_just_begun_to_listen():
    ports = Ports()
    controller = a_controller(ports)
    ports.seconds = 100.0
    controller.reconnected()
    leader = await controller._take_over(5)
    assert leader.listening_until > ports.seconds


async def test_the_lease_has_its_turn_while_a_thousand_messages_are_handled():
    ports = Ports()
    controller = a_controller(ports)
    controller._leading = True
    turns = []

    async def renew() -> None:
        while True:
            turns.append(ports.seconds)
            await asyncio.sleep(0)

    def handle(leader: Leader, now: Instant) -> None:
        ports.seconds += 0.01

    for _ in range(1000):
        controller.put(handle)
    beside = asyncio.create_task(renew())
    await controller._handle_inbox(Leader(5, "me", "ns/name"))
    beside.cancel()
    assert ports.seconds == pytest.approx(10)
    pauses = [after - before for before, after in pairwise([*turns, ports.seconds])]
    assert max(pauses) < 0.1


async def test_what_comes_while_messages_are_handled_waits_for_the_next_round():
    controller = a_controller(Ports())
    controller._leading = True
    handled = []

    def handle(leader: Leader, now: Instant) -> None:
        handled.append(now)
        controller.put(handle)

    controller.put(handle)
    await controller._handle_inbox(Leader(5, "me", "ns/name"))
    assert len(handled) == 1
    assert controller._wake.is_set()


async def test_what_the_leader_holds_already_is_no_news():
    controller = a_controller(Ports())
    controller._leader, controller._leading = await controller._take_over(5), True
    controller.job_event("MODIFIED", job_body(version=1))
    assert not controller._inbox
    controller.job_event("MODIFIED", job_body(version=2))
    assert controller._inbox
