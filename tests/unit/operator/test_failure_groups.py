"""Failed attempts, grouped by what went wrong."""

from distributedjob_api.indexes import BitMap
from distributedjob_api.messages import TaskRecord
from distributedjob_api.views import FailureGroup, Failures
from distributedjob_operator.core.failure_groups import EXAMPLES, TAIL_BYTES, FailureGroups
from distributedjob_operator.results import rank_of


def a_record(
    index: int, reason: str = "Error", code: int = 1, attempt: int = 1, signal: int = 0,
    stderr: bytes = b"", stdout: bytes = b"",
) -> TaskRecord:  # fmt: skip
    return TaskRecord(index, attempt, 0, 0, reason, code, signal, stdout, stderr, 0, 0)


def grouped(failed: set[int], *records: TaskRecord, run: int = 0) -> Failures:
    groups = FailureGroups(BitMap(failed))
    for record in records:
        groups.note(rank_of(run, record), "n1", record)
    return groups.result()


def kinds(found: Failures) -> list[tuple[str, int, int, int]]:
    return [(each.reason, each.exit_code, each.attempts, each.tasks) for each in found.groups]


def only(found: Failures) -> FailureGroup:
    (group,) = found.groups
    return group


def test_reason_exit_code_and_signal_make_a_group():
    found = grouped(
        {0, 1, 2, 3},
        a_record(0), a_record(1), a_record(2, code=2), a_record(3, "Signaled", -1, signal=9),
    )  # fmt: skip
    assert kinds(found) == [("Error", 1, 2, 2), ("Error", 2, 1, 1), ("Signaled", -1, 1, 1)]
    assert found.groups[0].indexes == "0-1"


def test_a_task_belongs_where_its_latest_attempt_does_and_each_attempt_counts():
    records = a_record(0, code=7, attempt=2), a_record(0, code=5, attempt=1)
    for order in (records, records[::-1]):
        assert sorted(kinds(grouped({0}, *order))) == [("Error", 5, 1, 0), ("Error", 7, 1, 1)]


def test_attempts_of_tasks_that_did_not_fail_for_good_only_count():
    assert kinds(grouped(set(), a_record(0), a_record(1))) == [("Error", 1, 2, 0)]


def test_successes_and_what_was_ended_by_command_are_no_failures():
    assert kinds(grouped(set(), a_record(0, "", 0), a_record(1, "Stopped", -1))) == []


def test_failed_tasks_without_a_record_are_named():
    found = grouped({0, 5, 7}, a_record(5))
    assert (found.unrecorded, found.unrecorded_indexes) == (2, "0,7")


def test_examples_are_few_of_different_tasks_and_rather_of_those_that_failed_for_good():
    retried = [a_record(index) for index in range(10)]
    assert len(only(grouped(set(), *retried)).examples) == EXAMPLES
    last = a_record(11)
    indexes = [example.index for example in only(grouped({11}, *retried, last, last)).examples]
    assert indexes == [0, 1, 11]


def test_an_example_shows_the_end_of_stderr_or_else_of_stdout():
    long = b"a" * TAIL_BYTES + b"end\n"
    example = only(grouped({0}, a_record(0, stderr=long, stdout=b"x"))).examples[0]
    assert example.tail.endswith("aend")
    assert len(example.tail) == TAIL_BYTES
    example = only(grouped({0}, a_record(0, stderr=b" \n", stdout=b"out\xff"))).examples[0]
    assert example.tail == "out\ufffd"


def test_what_no_worker_could_send_is_passed_over():
    assert kinds(grouped({0}, a_record(-1), a_record(10**9))) == []
