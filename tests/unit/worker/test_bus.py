"""What the worker makes of the stream's answers."""

import json
from typing import Any, cast

import pytest
from nats.aio.msg import Msg

from distributedjob_worker.bus import Bus
from distributedjob_worker.settings import read_settings

SETTINGS = read_settings(
    {
        "DJOB_NATS_URL": "nats://nats:4222",
        "DJOB_INSTALLATION": "djob-system/djob",
        "DJOB_NODE": "node-1",
        "DJOB_STATE_DIR": "/tmp",
    }
)
FULL = {"error": {"code": 400, "err_code": 10077, "description": "maximum bytes exceeded"}}


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        ({"stream": "S", "seq": 7}, False),
        ({"stream": "S", "seq": 7, "duplicate": True}, False),
        ({**FULL, "stream": "S", "seq": 0}, True),
        ({}, True),
        (None, True),
    ],
)
async def test_only_what_the_stream_has_is_forgotten(answer: Any, waits: bool) -> None:
    bus = Bus(SETTINGS, lambda data: None, lambda: None, lambda: None)
    bus.journal.add("s", b"one", {}, 1)
    bus.journal.due(0.0)
    data = b"" if answer is None else json.dumps(answer).encode()
    await bus._on_stored(Msg(_client=cast("Any", None), subject="inbox.1", data=data))
    assert bus.journal.pending is waits
