"""Lines about tasks: which, in which order, and what of them."""

import json
from typing import Any

import pytest

from distributedjob_api.indexes import BitMap
from distributedjob_api.journal import headers_of, may_hold
from distributedjob_api.messages import JournalBatch, TaskRecord
from distributedjob_operator import answers
from distributedjob_operator.answers import Query
from distributedjob_operator.core.standing import Standing
from distributedjob_operator.ports import Dropped
from distributedjob_operator.results import survey


def a_record(index: int, reason: str = "", attempt: int = 1) -> TaskRecord:
    return TaskRecord(
        index, attempt, 5.0, 0.5, reason, 3 if reason else 0, 0, b"out", b"err", 30, 40
    )


class Stored:
    """A stream of these batches, the first at place 11."""

    def __init__(self, *batches: list[TaskRecord]) -> None:
        self.batches = [
            JournalBatch("uid", 0, f"n{number}", list(records))
            for number, records in enumerate(batches, start=1)
        ]

        self.read_places: list[int] = []
        self.dropped: set[int] = set()

    async def read(self, uid: str, after: int = 0, wanted: BitMap | None = None) -> Any:
        for number, batch in enumerate(self.batches, start=11):
            if number > after and (wanted is None or may_hold(headers_of(batch), wanted)):
                self.read_places.append(number)
                yield number, batch

    async def read_one(self, place: int) -> JournalBatch:
        if place in self.dropped:
            raise Dropped("the journal dropped a batch while it was read")
        return self.batches[place - 11]


WHERE = Standing(
    wanted=BitMap(range(6)),
    succeeded=BitMap([0, 2]),
    failed=BitMap([3]),
    running={"n9": BitMap([4])},
    attempts={4: 1, 5: 2},
)
JOURNAL = (
    [a_record(2), a_record(4, "Error")],
    [a_record(0), a_record(3, "Error"), a_record(5, "Error", 2)],
)


async def pieces(journal: Stored, where: Standing, query: Query) -> list[bytes]:
    found = answers.chosen(where, query)
    contents = await survey(journal, "uid", query.streams, where.succeeded, found, silent=True)
    return [piece async for piece in answers.tasks(journal, contents, where, query)]


async def rows(query: Query = Query(), journal: Stored | None = None) -> list[dict[str, Any]]:  # noqa: B008
    text = b"".join(await pieces(journal or Stored(*JOURNAL), WHERE, query))
    return [json.loads(line) for line in text.splitlines()]


async def test_each_task_has_a_line_in_index_order():
    found = await rows()
    assert [(row["index"], row["state"]) for row in found] == [
        (0, "Succeeded"), (1, "Pending"), (2, "Succeeded"), (3, "Failed"), (4, "Running"),
        (5, "Pending"),
    ]  # fmt: skip


async def test_a_line_has_the_attempt_that_counts_and_no_output_that_nobody_asked_for():
    found = await rows()
    assert found[3] == {
        "index": 3, "state": "Failed", "attempt": 1, "node": "n2", "started": 5.0,
        "duration": 0.5, "reason": "Error", "exitCode": 3, "stdoutBytes": 30, "stderrBytes": 40,
        "place": 12,
    }  # fmt: skip


async def test_of_a_task_that_runs_the_line_is_of_the_attempt_under_way():
    assert (await rows())[4] == {"index": 4, "state": "Running", "attempt": 2, "node": "n9"}


async def test_of_a_task_that_waits_for_another_attempt_the_line_says_how_the_last_one_ended():
    row = (await rows())[5]
    assert (row["state"], row["reason"], row["attempt"]) == ("Pending", "Error", 2)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(indexes=BitMap([3, 1, 99])), [1, 3]),
        (Query(states=frozenset({"Succeeded", "Running"})), [0, 2, 4]),
        (Query(node="n2"), [0, 3, 5]),
        (Query(reason="Error"), [3, 5]),
        (Query(indexes=BitMap([3]), states=frozenset({"Succeeded"})), []),
    ],
)
async def test_what_is_asked_for_is_what_comes(query: Query, expected: list[int]):
    assert [row["index"] for row in await rows(query)] == expected


async def test_output_comes_where_it_was_asked_for():
    (row,) = await rows(Query(indexes=BitMap([3]), streams=frozenset({"stderr"})))
    assert (row.get("stdout"), row["stderr"]) == (None, "ZXJy")


async def test_many_tasks_come_in_pieces():
    where = Standing(BitMap(range(50_000)), BitMap(), BitMap())
    found = await pieces(Stored([]), where, Query())
    assert len(found) >= 50
    assert sum(piece.count(b"\n") for piece in found) == 50_000


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 9])
async def test_no_more_tasks_come_than_were_asked_for(limit: int):
    indexes = [row["index"] for row in await rows(Query(limit=limit))]
    assert indexes == [0, 1, 2, 3, 4, 5][:limit]
    failed = await rows(Query(limit=limit, reason="Error"))
    assert [row["index"] for row in failed] == [3, 5][:limit]


async def test_of_a_limited_answer_only_the_first_tasks_are_looked_for():
    journal = Stored([a_record(0), a_record(1)], [a_record(2), a_record(3, "Error")])
    assert len(await rows(Query(limit=2), journal)) == 2
    assert journal.read_places == [11]


async def test_a_task_whose_record_was_dropped_meanwhile_has_a_line_without():
    journal = Stored(*JOURNAL)
    journal.dropped.add(12)
    found = {row["index"]: row.get("place") for row in await rows(Query(), journal)}
    assert found == {0: None, 1: None, 2: 11, 3: None, 4: None, 5: None}


async def attempts(query: Query, after: int = 0) -> list[tuple[int, str, int]]:
    pieces = [p async for p in answers.attempts(Stored(*JOURNAL), "uid", query, after)]
    found = [json.loads(line) for line in b"".join(pieces).splitlines()]
    return [(row["index"], row["state"], row["place"]) for row in found]


async def test_attempts_come_as_they_were_stored_and_from_a_place_on():
    assert await attempts(Query()) == [
        (2, "Succeeded", 11), (4, "Failed", 11), (0, "Succeeded", 12), (3, "Failed", 12),
        (5, "Failed", 12),
    ]  # fmt: skip
    assert [place for _, _, place in await attempts(Query(), after=11)] == [12, 12, 12]
    failed = Query(states=frozenset({"Failed"}), indexes=BitMap([2, 3]))
    assert await attempts(failed) == [(3, "Failed", 12)]


async def test_no_more_attempts_are_read_than_were_asked_for():
    journal = Stored(*JOURNAL)
    found = [p async for p in answers.attempts(journal, "uid", Query(limit=2), 0)]
    assert b"".join(found).count(b"\n") == 2
    assert journal.read_places == [11]
    await anext(answers.attempts(journal, "uid", Query(indexes=BitMap([3])), 0))
    assert journal.read_places == [11, 12]


async def test_an_attempt_ended_by_command_is_no_failure():
    journal = Stored([a_record(0, "Stopped")])
    pieces = [p async for p in answers.attempts(journal, "uid", Query(), 0)]
    assert json.loads(b"".join(pieces))["state"] == "Cancelled"


async def test_failures_of_the_whole_journal_are_grouped():
    found = await answers.failures(Stored(*JOURNAL), "uid", BitMap([3]))
    (group,) = found.groups
    assert (group.attempts, group.tasks, group.indexes) == (3, 1, "3")
