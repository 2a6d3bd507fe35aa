"""The endpoint over HTTP: who is let in, what is refused, and what only the leader says."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import requests

from distributedjob_local.component import free_port
from tests.support.endpoint import Rights, Served, Stored, an_endpoint
from tests.support.worlds import UID, a_world, started

JOB = "/v1/namespaces/default/distributedjobs/job"


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A replica that leads a job of two nodes of one CPU."""
    port, journal, world = free_port(), Stored(), a_world(1, 1, completions=4)
    started(world)
    made = Served(f"http://127.0.0.1:{port}", world, journal)

    endpoint = an_endpoint(made.read_job, journal, Rights(), made.lead, live=made.live)
    await endpoint.start("127.0.0.1", port)
    yield made
    await endpoint.stop()


async def ask(served: Served, path: str, token: str = "admin") -> requests.Response:

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await asyncio.to_thread(requests.get, served.url + path, headers=headers, timeout=10)


@pytest.mark.parametrize("path", ["output", "tasks", "attempts", "failures", "why", "live?index=0"])
async def test_what_is_known_of_a_job_is_for_whoever_may_read_its_log(
    served: Served, path: str
) -> None:
    codes = [(await ask(served, f"{JOB}/{path}", token)).status_code for token in TOKENS]
    assert codes == [401, 401, 403, 200, 200]


TOKENS = ("", "garbage", "stranger", "reader", "admin")


async def test_the_registry_is_for_whoever_may_list_nodes(served: Served) -> None:
    assert [(await ask(served, "/v1/nodes", token)).status_code for token in TOKENS] == [
        401, 401, 403, 403, 200,
    ]  # fmt: skip
    rows = (await ask(served, "/v1/nodes")).json()
    assert [(row["node"], row["running"]) for row in rows] == [("n1", 1), ("n2", 1)]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/v1/nodes", 421), (f"{JOB}/why", 421), (f"{JOB}/tasks", 421), (f"{JOB}/attempts", 200),
     (f"{JOB}/live?index=0", 421),
     (f"{JOB}/failures", 200), (f"{JOB}/output", 200)],
)  # fmt: skip
async def test_a_replica_that_stands_by_says_so_of_what_only_the_leader_knows(
    served: Served, path: str, code: int
) -> None:
    served.leads = False
    assert (await ask(served, path)).status_code == code


async def test_tasks_are_chosen_by_the_query(served: Served) -> None:
    answer = await ask(served, f"{JOB}/tasks?state=Running&indexes=1-3")
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {"index": 1, "state": "Running", "attempt": 1, "node": "n2"}
    ]


async def test_what_a_running_task_wrote_is_its_worker_s_answer(served: Served) -> None:
    assert (await ask(served, f"{JOB}/live?index=1")).json() == {
        "index": 1, "attempt": 1, "node": "n2", "stdout": "aGVsbG8=", "stdoutBytes": 5,
        "stderr": "YmFk", "stderrBytes": 3,
    }  # fmt: skip
    behind = (await ask(served, f"{JOB}/live?index=1&stdout=4&stderr=3")).json()
    assert (behind["stdoutAt"], behind["stdout"], behind.get("stderr", "")) == (4, "bw==", "")
    assert (await ask(served, f"{JOB}/live?index=3")).json() == {"index": 3}


async def test_tasks_are_as_many_as_asked_for_and_say_which_have_no_record(
    served: Served,
) -> None:
    served.world.run(UID)
    served.leads = False
    answer = await ask(served, f"{JOB}/tasks?limit=3")
    assert [json.loads(line)["index"] for line in answer.text.splitlines()] == [0, 1, 2]
    assert (answer.headers["Djob-Missing"], answer.headers["Djob-Missing-Indexes"]) == ("2", "1-2")


async def test_what_a_failed_attempt_wrote_is_not_the_output_of_a_task_that_succeeded(
    served: Served,
) -> None:
    served.world.run(UID)
    assert (await ask(served, f"{JOB}/output")).text == "out"
    # The record of its success is lost.
    served.journal.reason = "Error"
    answer = await ask(served, f"{JOB}/output")
    assert (answer.text, answer.headers["Djob-Missing-Indexes"]) == ("", "0-3")
    answer = await ask(served, f"{JOB}/tasks?indexes=0")
    assert json.loads(answer.text) == {"index": 0, "state": "Succeeded"}
    assert answer.headers["Djob-Missing"] == "1"


async def test_attempts_behind_a_place_are_none_that_were_seen(served: Served) -> None:
    assert len((await ask(served, f"{JOB}/attempts")).text.splitlines()) == 1
    assert (await ask(served, f"{JOB}/attempts?after=4")).text == ""


async def test_why_of_a_task_and_of_one_that_is_none(served: Served) -> None:
    assert (await ask(served, f"{JOB}/why")).json()["reason"] == "Progressing"
    assert (await ask(served, f"{JOB}/why?index=0")).json() == {
        "reason": "Running", "message": "The task runs on n1.",
    }  # fmt: skip
    answer = await ask(served, f"{JOB}/why?index=4")
    assert (answer.status_code, answer.text) == (404, "there is no task 4: its tasks are 0-3\n")


@pytest.mark.parametrize("path", ["why", "live"])
async def test_an_index_that_no_job_can_have_is_that_of_no_task(served: Served, path: str) -> None:
    answer = await ask(served, f"{JOB}/{path}?index=99999999999")
    assert answer.status_code == 404
    assert answer.text.startswith("there is no task 99999999999")


@pytest.mark.parametrize("path", ["tasks", "attempts"])
async def test_indexes_of_no_task_are_said(served: Served, path: str) -> None:
    answer = await ask(served, f"{JOB}/{path}?indexes=2-5")
    assert (answer.status_code, answer.text) == (404, "there is no task 4-5: its tasks are 0-3\n")
    assert (await ask(served, f"{JOB}/{path}?indexes=2-3")).status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("tasks?state=odd", "state must be one of Pending"),
        ("tasks?streams=stdin", "streams must be one of stdout, stderr"),
        ("tasks?indexes=9-1", "indexes: item 1 (9-1) runs backwards"),
        ("attempts?after=-1", "after must be a whole number"),
        ("attempts?after=" + "9" * 30, "after must be a whole number"),
        ("why?index=x", "index must be a whole number"),
        ("live", "index says which task"),
        ("live?index=0&stdout=-1", "stdout must be a whole number"),
        ("tasks?limit=0", "limit must be at least 1"),
        ("output?stream=x", "stream must be one of stdout, stderr"),
    ],
)
async def test_a_query_that_makes_no_sense_is_said(served: Served, query: str, words: str) -> None:
    answer = await ask(served, f"{JOB}/{query}")
    assert (answer.status_code, len(answer.text.splitlines())) == (400, 1)
    assert words in answer.text


@pytest.mark.parametrize("path", ["output", "tasks", "attempts", "failures"])
async def test_a_journal_that_does_not_answer_is_said_before_anything_is_sent(
    served: Served, path: str
) -> None:
    served.journal.broken = True
    answer = await ask(served, f"{JOB}/{path}")
    assert (answer.status_code, answer.text) == (503, "the journal cannot be read: no stream\n")


async def test_a_job_that_this_operator_does_not_run_is_said(served: Served) -> None:
    served.world.leader.drop(UID)
    answer = await ask(served, f"{JOB}/why")
    assert (answer.status_code, "does not run the job" in answer.text) == (409, True)
