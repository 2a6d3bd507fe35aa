"""Between agent and executor: whatever the stream is cut into, the messages come whole."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_worker.core.results import Outcome
from distributedjob_worker.execution import wire
from distributedjob_worker.execution.capture import Part
from tests.support.worker_driver import define

ORDERS: list[wire.ToExecutor] = [
    wire.Job(1, define("/bin/true", "x")),
    wire.Start(4, 1, 7, 2, "item", ahead=False),
    wire.Start(5, 1, 8, 0, None, ahead=True),
    wire.Stop([4]),
    wire.Recall([5]),
    wire.Show(4, 0, 3, 65536),
    wire.Drop(1),
]
ENDS: list[wire.ToAgent] = [
    wire.Ended(4, Outcome(1.5, 0.25, "Error", 3, 0, "tail", b"\0out", b"err", 4, 3), -1),
    wire.Back(5),
    wire.Shown(Part(0, b"out", 3), Part(3, b"", 3)),
]


@given(st.lists(st.integers(1, 50), min_size=1))
def test_a_stream_cut_anywhere_is_put_together(cuts: list[int]) -> None:
    data = b"".join(wire.frame([order]) for order in ORDERS) + wire.frame(ORDERS)
    frames, found = wire.executor_frames(), []
    while data:
        for cut in cuts:
            part, data = data[:cut], data[cut:]
            found += frames.feed(part)
    assert found == ORDERS * 2


def test_ends_arrive_as_they_were() -> None:
    assert wire.agent_frames().feed(wire.frame(ENDS)) == ENDS
    (ended, *_) = wire.agent_frames().feed(wire.frame(ENDS))
    assert isinstance(ended, wire.Ended)
    assert isinstance(ended.outcome, Outcome)


def test_bytes_of_another_kind_are_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        wire.agent_frames().feed(wire.frame(ORDERS))
