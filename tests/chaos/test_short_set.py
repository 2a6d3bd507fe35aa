"""A short set of rows with one seed: what every change has to pass."""

import pytest

from tests.support.chaos_runs import ChaosRun, run_chaos

ROWS = (1, 4, 7, 40)
SEED = 20


@pytest.fixture(scope="module")
def short_set(tmp_path_factory: pytest.TempPathFactory) -> ChaosRun:
    rows = ",".join(map(str, ROWS))
    return run_chaos(tmp_path_factory.mktemp("chaos"), rows, SEED, minutes=2.3)


def test_the_run_ends_well_and_leaves_nothing(short_set: ChaosRun):
    assert short_set.code == 0, short_set.output
    totals = short_set.report["totals"]
    assert (totals["lost"], totals["counted_twice"], totals["processes_left"]) == (0, 0, 0)
    assert totals["faults"] >= 10
    assert totals["runs"] >= totals["tasks"] > 0


@pytest.mark.parametrize("number", ROWS)
def test_the_row_shows_what_it_must(short_set: ChaosRun, number: int):
    row = short_set.row(number)
    assert row["verdict"] == "pass", row["violations"]
    assert row["faults"]
