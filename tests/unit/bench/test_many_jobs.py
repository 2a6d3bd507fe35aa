"""When a benchmark of many jobs holds them to be over."""

from bench.many_jobs import Finished


def event(kind: str, uid: str, phase: str) -> dict:
    return {"type": kind, "object": {"metadata": {"uid": uid}, "status": {"phase": phase}}}


def test_many_jobs_are_over_with_the_last_complete_one_and_not_with_its_deletion():
    finished = Finished(2)
    for moment, seen in enumerate(
        [
            event("MODIFIED", "a", "Running"),
            event("MODIFIED", "a", "Complete"),
            event("MODIFIED", "a", "Complete"),
            event("MODIFIED", "b", "Complete"),
            event("DELETED", "a", "Complete"),
            event("DELETED", "b", "Complete"),
        ]
    ):
        finished.on_event(float(moment), seen)
    assert finished.over.is_set()
    assert finished.at == 3.0
