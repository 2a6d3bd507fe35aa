"""The journal's stream on servers that are smaller than its bound."""

from typing import Any

import pytest
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NotFoundError

from distributedjob_api.subjects import Subjects
from distributedjob_operator.bus.journal import LEAST_BYTES, MAX_BYTES, NO_PEERS, NO_ROOM, Journal
from distributedjob_operator.ports import Unavailable


class Server:
    """JetStream with so much room, and no stream yet."""

    def __init__(self, room: int, code: int = NO_ROOM) -> None:
        self.room, self.code = room, code
        self.made: list[int] = []
        self.replicas = 0

    async def update_stream(self, config: StreamConfig) -> None:
        raise NotFoundError

    async def add_stream(self, config: StreamConfig) -> None:
        assert config.max_bytes is not None
        if config.max_bytes > self.room:
            raise APIError(code=500, err_code=self.code, description="insufficient storage")
        self.made.append(config.max_bytes)
        self.replicas = config.num_replicas or 0


def journal(server: Any) -> Journal:
    return Journal(server, Subjects("ns/name"))


async def test_a_large_server_gets_the_whole_bound():
    server = Server(room=2 * MAX_BYTES)
    await journal(server).ensure()
    assert server.made == [MAX_BYTES]


@pytest.mark.parametrize("code", [NO_ROOM, NO_PEERS])
async def test_a_small_server_gets_a_smaller_journal(code: int):
    server = Server(room=MAX_BYTES // 20, code=code)
    await journal(server).ensure()
    assert server.made == [MAX_BYTES // 64]


@pytest.mark.parametrize("server", [Server(LEAST_BYTES // 2), Server(0, code=10052)])
async def test_one_without_room_or_that_refuses_is_unavailable(server: Server):
    with pytest.raises(Unavailable, match="insufficient storage"):
        await journal(server).ensure()
    assert not server.made


async def test_as_many_servers_keep_it_as_there_are():
    server = Server(room=MAX_BYTES)
    await Journal(server, Subjects("ns/name"), replicas=3).ensure()
    assert server.replicas == 3
