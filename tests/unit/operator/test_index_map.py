"""The map of a job's tasks: every task in one cell, and nothing that needs a look hidden."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api.indexes import BitMap
from distributedjob_api.views import State
from distributedjob_operator.core.standing import Standing
from distributedjob_operator.page.index_map import ATTENTION, IndexMap


def standing(tasks: int, *, failed: Iterable[int] = (), done: Iterable[int] = ()) -> Standing:
    return Standing(BitMap(range(tasks)), BitMap(done), BitMap(failed))


def test_few_tasks_have_a_cell_each():
    found = IndexMap(standing(3, failed={1}, done={0})).cells()
    assert [(cell.first, cell.last, cell.state) for cell in found] == [
        (0, 0, State.SUCCEEDED), (1, 1, State.FAILED), (2, 2, State.PENDING),
    ]  # fmt: skip


def test_one_failure_among_many_tasks_is_seen():
    found = IndexMap(
        standing(1_000_000, failed={777_777}, done=set(range(1_000_000)) - {777_777})
    ).cells()
    (seen,) = [cell for cell in found if cell.state == State.FAILED]
    assert seen.first <= 777_777 <= seen.last
    assert seen.label.endswith("1 Failed, 976 Succeeded")


def test_no_task_has_no_cell():
    assert IndexMap(standing(0)).cells() == []


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    wanted = draw(st.sets(st.integers(0, 300)))
    states = {index: draw(st.integers(0, 4)) for index in wanted}
    of = [BitMap(index for index, state in states.items() if state == n) for n in range(5)]
    return Standing(BitMap(wanted), of[0], of[1], {"a": of[2]}, {"b": of[3]})


@given(standings(), st.integers(1, 40))
def test_cells_are_the_tasks_in_order_and_their_counts_are_whole(given: Standing, most: int):
    found = IndexMap(given).cells(most)
    assert len(found) <= most
    bounds = [(cell.first, cell.last) for cell in found]
    assert bounds == sorted(bounds)
    covered = BitMap()
    for first, last in bounds:
        part = given.wanted & BitMap(range(first, last + 1))
        assert not part & covered
        covered |= part
    assert covered == given.wanted
    total = {
        state: sum(cell.counts.get(state, 0) for cell in found)
        for state in ATTENTION
        if any(state in cell.counts for cell in found)
    }
    assert total == IndexMap(given).counts
