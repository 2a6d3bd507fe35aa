"""What is left out because it says nothing new, against the sets it is about."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from distributedjob_api.indexes import BitMap, from_ranges, ranges
from distributedjob_operator.core.agreement import agrees
from distributedjob_operator.core.ledger import Ledger
from distributedjob_operator.core.recorded import Recorded

N1 = ("default", "n1")
SETS = st.sets(st.integers(0, 9)).map(BitMap)
ANY_RANGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=4)


def a_ledger(held: BitMap, runs: BitMap, succeeded: BitMap, failed: BitMap) -> Ledger:
    """Of ten indexes; what one worker holds and runs, and what has an outcome."""
    ledger = Ledger(BitMap(range(10)), Recorded(succeeded=succeeded, failed=failed))
    if held:
        ledger.assigned[N1] = held
    if runs & held:
        ledger.running[N1] = runs & held
    return ledger


@settings(deadline=None)
@given(SETS, SETS, SETS, SETS)
def test_what_is_known_agrees_unless_a_part_of_it_is_over(held, runs, succeeded, failed):
    ledger = a_ledger(held, runs, succeeded, failed)
    running = runs & held
    over = held & (succeeded | failed)
    assert agrees(ledger, N1, ranges(held - running), ranges(running)) == (not over)


@settings(deadline=None)
@given(SETS, SETS, SETS, SETS)
def test_anything_else_does_not(held, runs, queued, running):
    queued -= running
    same = running == runs & held and queued | running == held
    ledger = a_ledger(held, runs, BitMap(), BitMap())
    assert agrees(ledger, N1, ranges(queued), ranges(running)) == same


@settings(deadline=None)
@given(SETS, SETS, ANY_RANGES, ANY_RANGES)
@example(BitMap([1, 2]), BitMap(), [(1, 1), (1, 1)], [])
@example(BitMap([1, 2]), BitMap([1]), [(1, 1)], [(1, 1)])
@example(BitMap([1, 2]), BitMap(), [(5, 3), (1, 2)], [])
def test_no_statement_however_odd_agrees_with_what_it_does_not_say(held, runs, queued, running):
    if agrees(a_ledger(held, runs, BitMap(), BitMap()), N1, queued, running):
        assert from_ranges(running) == runs & held
        assert from_ranges(queued) | from_ranges(running) == held
