"""What a worker counts: the attempts of each batch, by namespace and reason."""

from distributedjob_api.messages import Entry, Failure
from distributedjob_worker.core.effects import Store
from distributedjob_worker.tally import Tally


def a_failure(index: int, reason: str) -> Failure:
    return Failure(index, 0, reason, 1, 0, "")


def a_store(namespace: str, *entries: Entry) -> Store:
    return Store("uid", namespace, "job", list(entries))


def test_every_attempt_of_an_entry_is_counted_under_its_reason() -> None:
    tally = Tally()
    failed = [a_failure(7, "Error"), a_failure(8, "Error"), a_failure(9, "TimedOut")]
    tally.stored([a_store("team", Entry(1, 0, [(0, 4), (6, 6)], failed, [(10, 11)], 1.0))])
    assert tally.attempts == {
        ("team", "Succeeded"): 6,
        ("team", "Error"): 2,
        ("team", "TimedOut"): 1,
        ("team", "Stopped"): 2,
    }


def test_batches_add_up() -> None:
    tally = Tally()
    for number in range(3):
        tally.stored([a_store("team", Entry(number, 0, [(0, 9)], [], [], 1.0))])
    assert tally.attempts["team", "Succeeded"] == 30


def test_a_namespace_has_successes_before_there_are_any() -> None:
    tally = Tally()
    tally.stored([a_store("team", Entry(1, 0, [], [a_failure(0, "Error")], [], 1.0))])
    assert tally.attempts["team", "Succeeded"] == 0


def test_namespaces_are_bounded_and_the_quietest_goes_first() -> None:
    tally = Tally()
    some = Entry(1, 0, [(0, 0)], [], [], 1.0)
    tally.stored(a_store(f"team-{number}", some) for number in range(Tally.MOST_NAMESPACES))
    tally.stored([a_store("team-0", some), a_store("new", some)])
    kept = {namespace for namespace, _ in tally.attempts}
    assert len(kept) == Tally.MOST_NAMESPACES
    assert {"team-0", "new"} <= kept
    assert "team-1" not in kept
