"""A large journal on a real NATS server, read within the client's bounds and served whole."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client

from distributedjob_api.indexes import BitMap
from distributedjob_api.journal import headers_of
from distributedjob_api.messages import JournalBatch, TaskRecord, encode_message
from distributedjob_api.subjects import Subjects
from distributedjob_cli.client.credentials import Credential, Tokens
from distributedjob_cli.client.endpoint import Operator
from distributedjob_cli.client.http import EndpointError
from distributedjob_cli.client.route import Fixed
from distributedjob_local.component import free_port
from distributedjob_local.nats_server import NatsServer
from distributedjob_operator.bus.journal import Journal
from distributedjob_operator.endpoint import Endpoint
from distributedjob_operator.results import JournalReader
from distributedjob_operator.shared_journal import READERS, SharedJournal
from tests.support.endpoint import an_endpoint
from tests.support.operator_client import operator_client

SUBJECTS = Subjects("test/reading")
TASKS = 2400
CONTENT = 65_536


def content(index: int) -> bytes:
    return bytes([index % 251]) * CONTENT


@pytest.fixture
async def client(nats_server: NatsServer) -> AsyncIterator[Client]:
    """The operator's connection; what it stored is dropped in the end."""
    async with operator_client(nats_server) as client:
        yield client
        await client.jetstream().delete_stream(SUBJECTS.journal_stream())


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
        await store(client, JournalBatch("uid", 0, "n1", records))
    return made


async def store(client: Client, batch: JournalBatch, *, silent: bool = False) -> None:
    """Put a batch into the stream as a worker does; ``silent`` ones have no headers."""
    headers = None if silent else headers_of(batch)
    subject = SUBJECTS.journal("default", batch.uid)
    await client.jetstream().publish(subject, encode_message(batch), headers=headers)


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

    async def read(
        self, uid: str, after: int = 0, wanted: BitMap | None = None
    ) -> AsyncGenerator[tuple[int, JournalBatch], None]:
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
            operator = Operator(
                Fixed(f"http://127.0.0.1:{port}"), Tokens(lambda: Credential("token"))
            )
            for piece in operator.output(("default", "job"), "stdout"):
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
    assert complaint == "Unreachable: default/job: the journal dropped a batch while it was read"


async def indexes(journal: Journal, wanted: BitMap, uid: str = "uid") -> list[set[int]]:
    """What the batches hold that a search for these indexes reads."""
    found = [batch async for _, batch in journal.read(uid, wanted=wanted)]
    return [{record.index for record in batch.records} for batch in found]


async def test_of_one_index_no_more_is_read_than_its_batch_and_headers(
    client: Client, journal: Journal
) -> None:
    before = client.stats["in_bytes"]
    assert await indexes(journal, BitMap([1205])) == [set(range(1200, 1212))]
    assert client.stats["in_bytes"] - before < 12 * CONTENT + 100 * TASKS


async def test_most_of_a_journal_is_read_in_a_row(client: Client, journal: Journal) -> None:
    before = client.stats["in_msgs"]
    found = await indexes(journal, BitMap(range(0, TASKS, 24)))
    assert found == [set(range(first, first + 12)) for first in range(0, TASKS, 24)]
    # One delivery for the headers of each batch, one for each batch, and the requests for them.
    assert client.stats["in_msgs"] - before < 2 * (TASKS // 12) + 60


async def test_a_batch_that_says_nothing_of_itself_is_read_as_well(
    client: Client, journal: Journal
) -> None:
    for first in range(0, 80, 10):
        records = [
            TaskRecord(index, 1, 0.0, 0.0, "", 0, 0, b"", b"", 0, 0)
            for index in range(first, first + 10)
        ]
        batch = JournalBatch("other", 0, "n1", records)
        await store(client, batch, silent=first == 20)
    assert await indexes(journal, BitMap([65]), "other") == [
        set(range(20, 30)),
        set(range(60, 70)),
    ]


async def test_a_journal_that_was_never_made_has_nothing(nats_server: NatsServer) -> None:
    async with operator_client(nats_server) as client:
        journal = Journal(client.jetstream(), Subjects("test/absent"))
        assert [one async for one in journal.read("uid")] == []
        assert await indexes(journal, BitMap([1])) == []


async def consumers(client: Client) -> int:
    info = await client.jetstream().stream_info(SUBJECTS.journal_stream())
    return info.state.consumer_count or 0


async def test_a_reader_that_goes_away_leaves_nothing_behind(
    client: Client, journal: Journal
) -> None:
    endpoint, port = serving(SharedJournal(journal), f"0-{TASKS - 1}"), free_port()
    await endpoint.start("127.0.0.1", port)
    path = "/v1/namespaces/default/distributedjobs/job/attempts?streams=stdout"
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\n"
    readers = []
    for _ in range(READERS + 1):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.encode())
        await reader.readuntil(b"\r\n\r\n")
        readers.append(writer)
    # They take nothing, and another one is answered all the same.
    assert await printed(SharedJournal(journal), f"0-{TASKS - 1}") == (TASKS * CONTENT, "")
    assert await consumers(client) == READERS + 1
    for writer in readers:
        writer.transport.abort()
    async with asyncio.timeout(30):
        while await consumers(client):
            await asyncio.sleep(0.05)
    await endpoint.stop()
