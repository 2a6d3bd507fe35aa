"""A large journal on a real NATS server, read within the client's bounds and served whole."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from distributedjob_api.messages import JournalBatch, TaskRecord, encode_message
from distributedjob_api.subjects import Subjects
from distributedjob_cli.client.endpoint import Operator
from distributedjob_cli.client.http import EndpointError
from distributedjob_local.component import free_port
from distributedjob_local.nats_server import NatsServer
from distributedjob_operator.bus.journal import Journal
from distributedjob_operator.endpoint import Endpoint
from distributedjob_operator.results import JournalReader
from tests.support.endpoint import an_endpoint

SUBJECTS = Subjects("test/reading")
TASKS = 2400
CONTENT = 65_536


def content(index: int) -> bytes:
    return bytes([index % 251]) * CONTENT


@pytest.fixture
async def client(nats_server: NatsServer) -> AsyncIterator[Client]:
    """The operator's connection."""
    environment = nats_server.environment("operator")
    connected = Client()
    await connected.connect(
        environment["DJOB_NATS_URL"],
        user=environment["DJOB_NATS_USER"],
        password=Path(environment["DJOB_NATS_PASSWORD_FILE"]).read_text(),
        inbox_prefix="_INBOX_operator",
    )
    yield connected
    await connected.jetstream().delete_stream(SUBJECTS.journal_stream())
    await connected.close()


@pytest.fixture
async def journal(client: Client) -> Journal:
    """A journal of more than the client lets one subscription hold."""
    made = Journal(client.jetstream(), SUBJECTS)
    await made.ensure()
    for first in range(0, TASKS, 12):
        records = [
            TaskRecord(index, 0, 0.0, 0.0, "", 0, 0, content(index), b"", CONTENT, 0)
            for index in range(min(first + 11, TASKS - 1), first - 1, -1)
        ]
        data = encode_message(JournalBatch("uid", 0, "n1", records))
        await client.jetstream().publish(SUBJECTS.journal("default", "uid"), data)
    return made


class Anyone:
    """Lets everybody read."""

    async def may_read(self, token: str, namespace: str, name: str) -> bool | None:
        return True

    async def may_list_nodes(self, token: str) -> bool | None:
        return True


class Losing:
    """Drops everything once its places are known."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def read(self, uid: str, after: int = 0) -> AsyncIterator[tuple[int, JournalBatch]]:
        async for place, batch in self._journal.read(uid):
            yield place, batch
        await self._journal.purge(uid)

    async def read_one(self, place: int) -> JournalBatch:
        return await self._journal.read_one(place)


def serving(journal: JournalReader, completed: str) -> Endpoint:
    async def read_job(namespace: str, name: str) -> dict[str, Any]:
        return {
            "metadata": {"name": name, "namespace": namespace, "uid": "uid"},
            "spec": {"completions": TASKS, "template": {"command": ["/bin/true"]}},
            "status": {"completedIndexes": completed},
        }

    return an_endpoint(read_job, journal, Anyone())


async def printed(journal: JournalReader, completed: str) -> tuple[int, str]:
    """What the command line gets: bytes, all of them right, and its complaint."""
    endpoint, port = serving(journal, completed), free_port()
    await endpoint.start("127.0.0.1", port)

    def read() -> tuple[int, str]:
        whole = b"".join(content(index) for index in range(TASKS))
        length = 0
        try:
            url = f"http://127.0.0.1:{port}"
            for piece in Operator(url, "token").output(("default", "job"), "stdout"):
                assert whole.startswith(piece, length)
                length += len(piece)
        except EndpointError as error:
            return length, f"{type(error).__name__}: {error}"
        return length, ""

    try:
        return await asyncio.to_thread(read)
    finally:
        await endpoint.stop()


async def test_all_of_a_large_output_arrives_in_order(journal: Journal) -> None:
    assert await printed(journal, f"0-{TASKS - 1}") == (TASKS * CONTENT, "")


async def test_what_has_no_record_is_named_behind_what_there_is(journal: Journal) -> None:
    assert await printed(journal, f"0-{TASKS + 2},{TASKS + 9}") == (
        TASKS * CONTENT,
        "MissingOutput: default/job: the journal has no record of 4 tasks with an outcome:"
        f" {TASKS}-{TASKS + 2},{TASKS + 9}",
    )


async def test_an_output_that_is_lost_while_it_is_read_breaks_off(journal: Journal) -> None:
    length, complaint = await printed(Losing(journal), f"0-{TASKS - 1}")
    assert length < TASKS * CONTENT
    assert complaint == (
        "EndpointError: default/job: the journal dropped a batch while it was read"
    )
