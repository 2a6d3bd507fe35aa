"""The leader's books in the middle of it all: every index is in exactly one place."""

import pytest

from distributedjob_operator import controller
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.leader import Leader
from tests.support.simulation.scenario import from_seed
from tests.support.simulation.simulate import simulate


def books_balance(leader: Leader) -> None:
    for job in leader.jobs.values():
        ledger = job.ledger
        done = {*ledger.recorded.succeeded, *ledger.recorded.failed}
        held = [index for indexes in ledger.assigned.values() for index in indexes]
        assert len(held) == len(set(held))
        undone = [index for index in held if index not in done]
        places = [*done, *undone, *ledger.fresh, *ledger.ready, *ledger.backing_off.indexes]
        assert sorted(places) == list(ledger.wanted)


def test_every_index_is_in_one_place_after_each_round(monkeypatch: pytest.MonkeyPatch):
    settle = controller.settle
    rounds = 0

    def checked(leader: Leader, now: Instant) -> None:
        nonlocal rounds
        settle(leader, now)
        books_balance(leader)
        rounds += 1

    monkeypatch.setattr(controller, "settle", checked)
    for seed in range(150):
        # What the check raises ends the leader, which is a violation.
        verdict = simulate(from_seed(seed))
        assert not verdict.violations, f"seed {seed}: {verdict}"
    assert rounds > 10_000
