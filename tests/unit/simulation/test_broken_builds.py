"""The checker is checked: builds without one of the safeguards are found out."""

from collections.abc import Callable
from typing import Any

import pytest

from distributedjob_api.messages import Acks
from distributedjob_operator.core import reporting
from distributedjob_operator.core.effects import Send
from distributedjob_worker.core.session import Session, Standing
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.scenario import from_seed
from tests.support.simulation.shrink import shrink
from tests.support.simulation.simulate import simulate

Break = Callable[[pytest.MonkeyPatch], None]


def no_epoch_check(patch: pytest.MonkeyPatch) -> None:
    """The worker obeys whoever knows the number of its session."""

    def standing(self: Session, epoch: int, number: int) -> Standing:
        return Standing.CURRENT if number == self.number else Standing.STRANGE

    patch.setattr(Session, "standing", standing)


def acknowledged_before_the_checkpoint(patch: pytest.MonkeyPatch) -> None:
    """The leader tells a worker to forget what it has only heard."""
    report = reporting.report

    def hasty(leader: Any, key: Any, message: Any, now: Any) -> None:
        report(leader, key, message, now)
        worker = leader.fleet.workers.get(key)
        if worker is not None and worker.folded:
            acks = Acks(leader.epoch, worker.session, list(worker.folded.items()))
            leader.effects.append(Send(key, acks))

    patch.setattr(reporting, "report", hasty)


def blind_status_patch(patch: pytest.MonkeyPatch) -> None:
    """A status is written whatever the object's version is by now."""
    write = ApiServer.write_status

    def blind(self: ApiServer, name: str, uid: str, version: str, status: Any) -> str:
        if name in self.jobs:
            version = self.jobs[name]["metadata"]["resourceVersion"]
        return write(self, name, uid, version, status)

    patch.setattr(ApiServer, "write_status", blind)


@pytest.mark.parametrize(
    ("broken", "within", "laws"),
    [
        pytest.param(no_epoch_check, 600, "E", id="no epoch check"),
        pytest.param(acknowledged_before_the_checkpoint, 50, "BCJ", id="hasty acknowledgement"),
        pytest.param(blind_status_patch, 300, "FJ", id="blind status patch"),
    ],
)
def test_a_build_without_a_safeguard_is_found_out(
    monkeypatch: pytest.MonkeyPatch, broken: Break, within: int, laws: str
):
    broken(monkeypatch)
    failing = (seed for seed in range(within) if simulate(from_seed(seed)).violations)
    seed = next(failing, None)
    assert seed is not None, f"none of {within} seeds breaks a law"
    verdict = simulate(from_seed(seed))
    assert verdict.violations[0][0] in laws
    monkeypatch.undo()
    assert not simulate(from_seed(seed)).violations


def test_a_failure_shrinks_to_what_it_takes(monkeypatch: pytest.MonkeyPatch):
    acknowledged_before_the_checkpoint(monkeypatch)
    fails = lambda scenario: bool(simulate(scenario).violations)  # noqa: E731
    scenario = next(one for one in map(from_seed, range(50)) if len(one.steps) > 3 and fails(one))
    least = shrink(scenario, fails)
    assert fails(least)
    assert len(least.steps) < len(scenario.steps)
