"""One moment a job, the earliest first."""

from hypothesis import given
from hypothesis import strategies as st

from distributedjob_operator.core.alarms import NEVER, Alarms


def test_those_of_one_moment_ring_in_the_order_of_being_set():
    alarms = Alarms()
    for uid, moment in [("c", 1.0), ("a", 1.0), ("b", 0.5)]:
        alarms.set(uid, moment)
    assert list(alarms.ring(1.0)) == ["b", "c", "a"]


def test_a_moment_set_again_takes_the_place_of_the_one_before():
    alarms = Alarms()
    alarms.set("a", 1.0)
    alarms.set("b", 2.0)
    alarms.set("a", 3.0)
    alarms.set("b", NEVER)
    assert (alarms.pop(2.5), alarms.next()) == (None, 3.0)
    assert (alarms.pop(3.0), alarms.next()) == ("a", NEVER)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 9)), max_size=400))
def test_each_rings_once_at_what_was_set_last(settings: list[tuple[str, int]]):
    alarms, wanted = Alarms(), {}
    for uid, moment in settings:
        wanted[uid] = NEVER if moment == 9 else float(moment)
        alarms.set(uid, wanted[uid])
    rung = [(moment, uid) for moment in range(9) for uid in alarms.ring(moment)]
    assert sorted(rung) == sorted((at, uid) for uid, at in wanted.items() if at < NEVER)
