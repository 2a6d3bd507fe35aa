"""What users read: phases, conditions, counts, and an object that stays small."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distributedjob_api import reasons
from distributedjob_api.durations import human_duration
from distributedjob_api.indexes import CUT_MARK, BitMap, decode
from distributedjob_api.v1alpha1 import Phase, Status
from distributedjob_operator.core.job import Job, from_object
from distributedjob_operator.core.policy.retry import Tries
from distributedjob_operator.core.recorded import recorded
from distributedjob_operator.core.status import build, stalled
from distributedjob_operator.core.tried import Tried
from distributedjob_operator.core.verdict import Verdict
from tests.support.builders import START, a_job, at, job_body

VERDICTS = {
    Phase.COMPLETE: reasons.completions_reached(10),
    Phase.FAILED: reasons.failed_indexes(1, 10, "Error"),
    Phase.CANCELLED: reasons.cancelled(3, 10),
}


def a_status(
    job: Job, seconds: float = 0.0, waiting: reasons.Explained | None = None
) -> dict[str, Any]:
    return build(
        job, waiting=waiting, installation="ns/name", leader="me", epoch=7, now=at(seconds)
    )


def a_built_job(phase: Phase = Phase.RUNNING, *, problem: str = "", **fields: Any) -> Job:
    job = from_object(a_job(**fields))
    job.phase, job.problem = phase, problem
    if phase in VERDICTS:
        job.verdict = Verdict(phase, VERDICTS[phase])
    return job


def holding(status: dict[str, Any]) -> set[str]:
    return {one["type"] for one in status["conditions"] if one["status"] == "True"}


def reason(status: dict[str, Any], kind: str) -> str:
    return next(one["reason"] for one in status["conditions"] if one["type"] == kind)


@pytest.mark.parametrize(
    ("phase", "problem", "holds"),
    [
        pytest.param(Phase.PENDING, "", {"Reconciling"}, id="waiting"),
        pytest.param(Phase.RUNNING, "", {"Reconciling"}, id="running"),
        pytest.param(Phase.CANCELLING, "", {"Reconciling"}, id="cancelling"),
        pytest.param(Phase.PENDING, "spec.indexes: bad", {"Stalled"}, id="set aside"),
        pytest.param(
            Phase.COMPLETE, "", {"SuccessCriteriaMet", "Complete", "Finished", "Ready"}, id="done"
        ),
        pytest.param(
            Phase.FAILED, "", {"FailureTarget", "Failed", "Finished", "Stalled"}, id="failed"
        ),
        pytest.param(Phase.CANCELLED, "", {"Cancelled", "Finished", "Stalled"}, id="cancelled"),
    ],
)
def test_conditions_of_a_phase(phase: Phase, problem: str, holds: set[str]):
    status = a_status(a_built_job(phase, problem=problem))
    assert holding(status) == holds
    assert all(one["observedGeneration"] == 1 and one["message"] for one in status["conditions"])


def test_why_a_job_waits_is_the_reason_of_reconciling():
    status = a_status(a_built_job(Phase.PENDING), waiting=reasons.unknown_pool("gpu", ["default"]))
    assert reason(status, "Reconciling") == "UnknownPool"


@pytest.mark.parametrize(
    ("phase", "kind", "expected"),
    [
        pytest.param(Phase.COMPLETE, "Complete", "CompletionsReached", id="complete"),
        pytest.param(Phase.FAILED, "Failed", "FailedIndexes", id="failed"),
        pytest.param(Phase.CANCELLED, "Cancelled", "CancelledByUser", id="cancelled"),
    ],
)
def test_a_verdict_has_its_reason(phase: Phase, kind: str, expected: str):
    assert reason(a_status(a_built_job(phase)), kind) == expected


def test_the_transition_time_moves_only_when_the_status_of_a_condition_changes():
    job = a_built_job()
    first = a_status(job, 1)
    later = a_status(job, 5, reasons.no_free_cpu(0, 1))
    job.phase = Phase.COMPLETE
    job.verdict = Verdict(Phase.COMPLETE, VERDICTS[Phase.COMPLETE])
    final = a_status(job, 9)

    def since(status: dict[str, Any], kind: str) -> str:
        return next(c["lastTransitionTime"] for c in status["conditions"] if c["type"] == kind)

    assert since(first, "Reconciling") == since(later, "Reconciling") == "2026-01-01T00:00:01Z"
    assert since(final, "Reconciling") == "2026-01-01T00:00:09Z"
    assert since(final, "Stalled") == "2026-01-01T00:00:01Z"


def test_counts_add_up_to_the_wanted_tasks():
    job = a_built_job(completions=100, indexes="10-59")
    ledger = job.ledger
    ledger.recorded.succeeded, ledger.recorded.failed = BitMap(range(10, 30)), BitMap([30])
    ledger.running["default", "n1"] = BitMap([31, 32])
    status = a_status(job)
    counts = ("pending", "running", "succeeded", "failed", "cancelled")
    assert [status[count] for count in counts] == [27, 2, 20, 1, 0]
    assert (status["progress"], status["completedIndexes"]) == ("21/50", "10-29")
    job.phase, ledger.running = Phase.CANCELLED, {}
    status = a_status(job)
    assert [status[count] for count in counts] == [0, 0, 20, 1, 29]


def test_a_status_says_who_wrote_it_and_for_which_installation():
    status = a_status(a_built_job())
    assert (status["installation"], status["leader"], status["epoch"]) == ("ns/name", "me", 7)


def test_the_duration_ends_with_the_job():
    job = a_built_job()
    job.start_time = START
    assert a_status(job, 90)["duration"] == "90s"
    job.completion_time, job.phase = START + timedelta(seconds=150), Phase.COMPLETE
    assert a_status(job, 9999)["duration"] == "2m30s"


def test_what_a_status_records_is_read_back():
    job = a_built_job(completions=1000)
    record = job.ledger.recorded
    record.succeeded, record.failed = BitMap(range(0, 800, 2)), BitMap([801])
    record.tries = Tried({900: Tries(3, 1, 1), 901: Tries(1, 1, 0)})
    record.retries, record.interruptions, record.dispatched_below = 3, 1, 950
    status = json.loads(json.dumps(a_status(job)))
    again = recorded(Status.model_validate(status))
    assert again == record


def alternating(tasks: int, counted: int) -> Job:
    job = a_built_job(completions=tasks)
    record = job.ledger.recorded
    open_indexes = BitMap(range(0, tasks, tasks // counted)) if counted else BitMap()
    record.tries = Tried(
        {
            index: Tries(1 + 2 * (number % 10) + number % 3, 1 + number % 10, number % 10)
            for number, index in enumerate(open_indexes)
        }
    )
    record.succeeded = BitMap(range(0, tasks, 2)) - open_indexes
    record.failed = BitMap(range(1, tasks, 2)) - open_indexes
    return job


@pytest.mark.parametrize(
    "counted", [pytest.param(0, id="no counters"), pytest.param(65_536, id="the most counters")]
)
def test_the_object_of_a_million_tasks_stays_below_one_mebibyte(counted: int):
    job = alternating(1_000_000, counted)
    status = a_status(job)
    body = {**job_body(completions=1_000_000), "status": status}
    assert len(json.dumps(body)) < 1024 * 1024
    assert decode(status["exact"]["completed"]) == job.ledger.recorded.succeeded


MILLION = 1_000_000


def patterns(kind: str) -> tuple[BitMap, BitMap, dict[int, Tries]]:
    """The succeeded, the failed, and the counters of what has no outcome."""
    choose = random.Random(7)
    everything = BitMap(range(MILLION))
    match kind:
        case "alternating":
            return BitMap(range(0, MILLION, 2)), BitMap(range(1, MILLION, 2)), {}
        case "a tenth failed":
            failed = BitMap(choose.sample(range(MILLION), MILLION // 10))
            return everything - failed, failed, {}
        case "a third each":
            thirds = [choose.randrange(3) for _ in range(MILLION)]
            return (
                BitMap(index for index, third in enumerate(thirds) if third == 0),
                BitMap(index for index, third in enumerate(thirds) if third == 1),
                {},
            )
        case "all failed once":
            return BitMap(), BitMap(), dict.fromkeys(range(65_536), Tries(1, 1, 0))
        case _:
            # The largest counters that the schema allows at this size, anywhere.
            tried = sorted(choose.sample(range(MILLION), 65_536))
            rest = everything - BitMap(tried)
            failed = rest & BitMap(choose.sample(range(MILLION), MILLION // 10))
            counts = [(choose.randrange(11), choose.randrange(11)) for _ in tried]
            tries = {
                index: Tries(failures + lost, failures, lost)
                for index, (failures, lost) in zip(tried, counts, strict=True)
                if failures + lost
            }
            return rest - failed, failed, tries


@pytest.mark.parametrize(
    "kind",
    ["alternating", "a tenth failed", "a third each", "all failed once", "the largest counters"],
)
def test_a_million_tasks_fit_and_are_read_back_exactly(kind: str):
    job = a_built_job(completions=MILLION)
    record = job.ledger.recorded
    record.succeeded, record.failed, tries = patterns(kind)
    record.tries = Tried(tries)
    written = json.dumps({**job_body(completions=MILLION), "status": a_status(job)})
    assert len(written) < 1024 * 1024
    assert recorded(Status.model_validate(json.loads(written)["status"])) == record


def test_a_text_that_is_cut_says_so_and_the_exact_sets_stand_beside_it():
    job = a_built_job(completions=10_000)
    job.ledger.recorded.succeeded = BitMap(range(0, 10_000, 2))
    status = a_status(job)
    assert status["completedIndexes"].startswith("0,2,4,6,")
    assert status["completedIndexes"].endswith(CUT_MARK)
    assert len(status["completedIndexes"]) <= 1024 + len(CUT_MARK)
    assert decode(status["exact"]["completed"]) == job.ledger.recorded.succeeded


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3999), st.integers(0, 200)), max_size=40),
    st.lists(st.tuples(st.integers(0, 3999), st.integers(0, 200)), max_size=40),
    st.dictionaries(
        st.integers(0, 3999), st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 4))
    ),
)
def test_any_record_is_read_back(
    good: list[tuple[int, int]], bad: list[tuple[int, int]], counts: dict[int, tuple[int, int, int]]
):
    job = a_built_job(completions=5000)
    record = job.ledger.recorded
    succeeded = {index for first, length in good for index in range(first, first + length)}
    failed = {index for first, length in bad for index in range(first, first + length)} - succeeded
    record.succeeded, record.failed = BitMap(succeeded), BitMap(failed)
    record.tries = Tried(
        {
            index: Tries(ignored + failures + lost, failures, lost, ignored // 2)
            for index, (ignored, failures, lost) in counts.items()
            if ignored + failures + lost
        }
    )
    again = recorded(Status.model_validate(json.loads(json.dumps(a_status(job)))))
    assert (set(again.succeeded), set(again.failed)) == (succeeded, failed)
    assert again == record


def test_an_ordinary_object_stays_below_ten_kilobytes():
    job = a_built_job(completions=100_000)
    job.ledger.recorded.succeeded = BitMap(range(60_000))
    assert len(json.dumps({**job_body(), "status": a_status(job)})) < 10_000


def test_an_unreadable_object_keeps_its_outcome_and_says_what_is_wrong():
    body = job_body()
    body["status"] = {"succeeded": 3, "conditions": [{"type": "Ready", "status": "True"}]}
    status = stalled(body, "spec.template: missing", at(0))
    assert holding(status) == {"Stalled"}
    assert status["succeeded"] == 3
    assert reason(status, "Stalled") == "InvalidSpec"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (5 * 3600 + 60, "5h1m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (50 * 3600, "2d2h"),
        (8 * 86400, "8d"),
    ],
)
def test_durations_read_as_kubectl_prints_them(seconds: int, text: str):
    assert human_duration(seconds) == text


def test_a_second_attempt_of_a_finished_task_is_not_counted_again():
    job = a_built_job(completions=3)
    job.ledger.recorded.succeeded = BitMap([0, 1])
    job.ledger.running = {("default", "n1"): BitMap([1]), ("default", "n2"): BitMap([2])}
    status = a_status(job)
    assert [status[name] for name in ("succeeded", "running", "pending")] == [2, 1, 0]
