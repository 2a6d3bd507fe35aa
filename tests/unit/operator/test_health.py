"""A probe answers for the work of a replica, not for its port."""

import pytest

from distributedjob_operator.health import Readiness, Signs, why_dead
from distributedjob_operator.leadership import DEAD_SECONDS
from distributedjob_operator.ports import Unavailable
from distributedjob_operator.troubles import Troubles
from tests.support.builders import at

LATE = DEAD_SECONDS + 1


@pytest.mark.parametrize(
    ("signs", "reason"),
    [
        pytest.param(Signs(True, 0.0, 0.0), "", id="a standby"),
        pytest.param(Signs(True, 0.0, 0.9), "", id="a leader"),
        pytest.param(Signs(True, 5.0, 5.0), "", id="a slow leader"),
        pytest.param(Signs(False, 0.0, 0.0), "watch", id="deaf"),
        pytest.param(Signs(True, LATE, 0.0), "Lease", id="holds on to a lost Lease"),
        pytest.param(Signs(True, 0.0, LATE), "stood still", id="a loop that hangs"),
    ],
)
def test_only_what_a_restart_would_mend_is_death(signs: Signs, reason: str):
    said = why_dead(signs)
    assert reason in said
    assert bool(said) == bool(reason)


class Stub:
    """A bus, an API server and a clock in one."""

    def __init__(self) -> None:
        self.connected = True
        self.problem = ""
        self.asked = 0
        self.seconds = 0.0

    async def publish(self, subject: str, payload: bytes) -> None: ...

    async def probe(self) -> float:
        self.asked += 1
        return 0.001

    async def ask_api(self) -> None:
        if self.problem:
            raise Unavailable(self.problem)

    def now(self):
        return at(self.seconds)


async def test_readiness_asks_the_servers_themselves_at_most_once_a_second():
    stub = Stub()
    ready = Readiness(stub, stub.ask_api, stub, Troubles())
    assert await ready.missing() == ""
    stub.problem = "the API server does not answer"
    assert await ready.missing() == ""
    stub.seconds = 1.5
    assert await ready.missing() == stub.problem
    assert stub.asked == 2


async def test_a_replica_that_is_denied_its_work_is_not_ready_until_it_is_let():
    stub, troubles = Stub(), Troubles()
    ready = Readiness(stub, stub.ask_api, stub, troubles)
    troubles.note("jobs cannot be listed", "no right")
    troubles.note("a status cannot be written", "no right either")
    assert await ready.missing() == "jobs cannot be listed: no right"
    troubles.over("jobs cannot be listed")
    stub.seconds = 1.5
    assert await ready.missing() == "a status cannot be written: no right either"
    troubles.over("a status cannot be written")
    stub.seconds = 3.0
    assert await ready.missing() == ""
