"""The journal's stream on a real NATS server: emptied of what is gone, restored when lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from distributedjob_api.subjects import Subjects
from distributedjob_local.installation import INSTALLATION
from tests.integration.test_output import djob_output
from tests.support.jobs import Jobs
from tests.support.operator_client import operator_client
from tests.support.waiting import wait_until

T = TypeVar("T")
SUBJECTS = Subjects(INSTALLATION)


def with_jetstream(jobs: Jobs, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    """Do something as the operator."""

    async def connected() -> T:
        async with operator_client(jobs.cluster.nats) as client:
            return await work(client.jetstream())

    return asyncio.run(connected())


def batches(jobs: Jobs, uid: str) -> int:
    """How many messages the stream keeps of a job."""

    async def count(jetstream: JetStreamContext) -> int:
        subject = SUBJECTS.journal_of(uid)
        info = await jetstream.stream_info(SUBJECTS.journal_stream(), subjects_filter=subject)
        return sum((info.state.subjects or {}).values())

    return with_jetstream(jobs, count)


def run(jobs: Jobs, name: str) -> str:
    """Run a job that prints its index; its uid."""
    jobs.apply(name, ["sh", "-c", "echo $DJOB_INDEX"], completions=3)
    jobs.wait_for(name, "Complete")
    return jobs.kubectl("get", "djob", name, "-o", "jsonpath={.metadata.uid}")


def test_what_a_deleted_job_wrote_is_dropped(jobs: Jobs) -> None:
    kept, gone = run(jobs, "kept"), run(jobs, "gone")
    wait_until(lambda: batches(jobs, gone), bool, 10, "the journal holds the job")
    jobs.kubectl("delete", "djob", "gone")
    wait_until(lambda: batches(jobs, gone), lambda left: left == 0, 10, "it is purged")
    assert batches(jobs, kept)


def test_a_stream_that_was_deleted_is_there_again(jobs: Jobs) -> None:
    stream = SUBJECTS.journal_stream()
    with_jetstream(jobs, lambda jetstream: jetstream.delete_stream(stream))

    async def exists(jetstream: JetStreamContext) -> bool:
        try:
            await jetstream.stream_info(stream)
        except NotFoundError:
            return False
        return True

    wait_until(lambda: with_jetstream(jobs, exists), bool, 30, "the stream is there again")
    run(jobs, "after")
    wait_until(
        lambda: djob_output(jobs.cluster, "after", "-n", jobs.namespace).stdout,
        lambda text: text == b"0\n1\n2\n",
        10,
        "the output can be read",
    )
