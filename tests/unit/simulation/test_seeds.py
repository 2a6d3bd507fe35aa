"""Whatever goes wrong, every task reaches exactly one recorded outcome: over many seeds."""

import pytest

from tests.support.simulation.scenario import Fault
from tests.support.simulation.seeds import run_seeds

SEEDS = 2_000


@pytest.mark.timeout(300)
def test_no_law_is_broken_whatever_goes_wrong():
    summary = run_seeds(range(SEEDS))
    assert not summary.broken, f"make simulate SEED={min(summary.broken)} tells more:\n{summary}"
    assert summary.seeds == SEEDS
    assert set(summary.faults) == set(Fault), "a kind of fault never happened"
    # Recovery and the excuse of a lost worker are both exceptions, not the rule.
    assert summary.repeats < summary.runs / 20
