"""Results that wait for a checkpoint, against a plain list of them."""

from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api.messages import Entry
from distributedjob_operator.core.unconfirmed import Fact, Unconfirmed

KEYS = st.tuples(
    st.tuples(st.just("default"), st.sampled_from(["n1", "n2"])), st.sampled_from(["a", "b"])
)
MARKS = st.dictionaries(KEYS, st.integers(0, 6))


def fact(key: tuple[tuple[str, str], str], seq: int) -> Fact:
    return Fact(key[0], key[1], "n", Entry(seq, 0, [], [], [], 0.0))


@given(st.lists(st.one_of(st.tuples(KEYS, st.integers(1, 6)), MARKS), max_size=30))
def test_it_holds_what_no_checkpoint_does(steps):
    unconfirmed, expected = Unconfirmed(), []
    for step in steps:
        if isinstance(step, dict):
            unconfirmed.confirm(step)
            expected = [(key, seq) for key, seq in expected if seq > step.get(key, 0)]
        else:
            unconfirmed.add(fact(*step))
            expected.append(step)
        assert [((one.worker, one.incarnation), one.entry.seq) for one in unconfirmed] == expected
        newest = {key: max(s for k, s in expected if k == key) for key, _ in expected}
        assert unconfirmed.marks() == newest
        for key in [(("default", "n1"), "a"), (("default", "n2"), "b")]:
            assert unconfirmed.any_of(*key) == (key in newest)
        assert bool(unconfirmed) == bool(expected)
