"""What an agent and its executor processes say to each other, and how it is framed.

Both are one build of one program: nothing here has a version. A frame is the length of
its body in four bytes and a MessagePack array of messages, in the order in which they
are to be applied.
"""

import struct
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import msgspec

from distributedjob_api.messages import Define
from distributedjob_worker.core.results import Outcome
from distributedjob_worker.execution.capture import Part

_HEAD: Final = struct.Struct("<I")


class _Message(msgspec.Struct, array_like=True, tag=True, frozen=True, gc=False):
    """A tagged struct, as those on NATS are."""


# -- agent to executor -------------------------------------------------------------


class Job(_Message, frozen=True, tag="job"):
    """The definition behind ``key``; sent before its first task."""

    key: int
    define: Define


class Drop(_Message, frozen=True, tag="drop"):
    """The key is not used for further tasks."""

    key: int


class Start(_Message, frozen=True, tag="start"):
    """Start an attempt, which is called ``number`` from here on.

    One ``ahead`` is to be started only when another of its job ends, in its place.
    """

    number: int
    key: int
    index: int
    ended: int
    item: str | None
    ahead: bool


class Stop(_Message, frozen=True, tag="stop"):
    """End these attempts, each with its job's grace, and give back those ahead."""

    numbers: list[int]


class Recall(_Message, frozen=True, tag="recall"):
    """Give back those of these that are still ahead."""

    numbers: list[int]


class Show(_Message, frozen=True, tag="show"):
    """Say what an attempt wrote behind these offsets, ``most`` bytes of each stream."""

    number: int
    stdout_from: int
    stderr_from: int
    most: int


ToExecutor = Job | Drop | Start | Stop | Recall | Show

# -- executor to agent -------------------------------------------------------------


class Ended(_Message, frozen=True, tag="ended"):
    """An attempt ended; ``then`` is the one that took its place, or -1."""

    number: int
    outcome: Outcome
    then: int


class Back(_Message, frozen=True, tag="back"):
    """An attempt that was ahead is given back and never started here."""

    number: int


class Shown(_Message, frozen=True, tag="shown"):
    """The answers to :class:`Show`, in its order; empty where the attempt does not run."""

    stdout: Part
    stderr: Part


ToAgent = Ended | Back | Shown

# -- frames ------------------------------------------------------------------------

_encoder: Final = msgspec.msgpack.Encoder()

Message = TypeVar("Message")


def frame(messages: Sequence[ToExecutor] | Sequence[ToAgent]) -> bytes:
    """Messages as bytes."""
    body = _encoder.encode(messages)
    return _HEAD.pack(len(body)) + body


class Frames(Generic[Message]):
    """Puts the bytes of a stream together to messages again."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[list[Message]]) -> None:
        self._decoder = decoder
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole by now; raises ``MsgspecError`` for other bytes."""
        self._data += data
        found: list[Message] = []
        position = 0
        while len(self._data) >= position + _HEAD.size:
            (length,) = _HEAD.unpack_from(self._data, position)
            start = position + _HEAD.size
            if len(self._data) < start + length:
                break
            position = start + length
            found += self._decoder.decode(bytes(self._data[start:position]))
        del self._data[:position]
        return found


def executor_frames() -> Frames[ToExecutor]:
    """For what an executor receives."""
    return Frames(msgspec.msgpack.Decoder(list[ToExecutor]))


def agent_frames() -> Frames[ToAgent]:
    """For what an agent receives."""
    return Frames(msgspec.msgpack.Decoder(list[ToAgent]))
