"""The wire form is pinned, tolerant of newer senders, and safe against garbage."""

import contextlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_api import messages as m

GOLDEN = Path(__file__).parent / "golden"

REPORTED = m.JobReport(
    uid="u-1",
    namespace="team",
    name="sums",
    run=0,
    queued=[(7, 9)],
    running=[(4, 4)],
    acked_seq=1,
    last_seq=2,
    entries=[
        m.Entry(
            seq=2,
            run=0,
            succeeded=[(0, 2)],
            failed=[m.Failure(3, 1, "NonZeroExit", 2, 0, "no such file\n")],
            stopped=[(5, 6)],
            busy_seconds=1.5,
        )
    ],
)
COMMANDS = [
    m.Define(
        number=1,
        uid="u-1",
        namespace="team",
        name="sums",
        run=0,
        completions=10,
        argv=["/bin/echo", "$(DJOB_INDEX)"],
        env=[("MODE", "fast")],
        working_dir="/srv",
        scratch_dir=True,
        cpu_millis=500,
        timeout_seconds=0.0,
        grace_seconds=30.0,
        output_policy="All",
        output_limit_bytes=65536,
        memory_bytes=1 << 20,
    ),
    m.Assign(2, "u-1", 0, [(0, 9)], [m.Attempt(11, 2, 1, 1)], ["a", "é"], 4, -3),
    m.Cancel(3, "u-1", [(0, 3)]),
    m.Return(4, "u-1", [(4, 5)]),
    m.Forget(5, "u-1"),
]
RECORD = m.TaskRecord(3, 2, 1700000000.25, 0.5, "NonZeroExit", 2, 0, b"out", b"\xff", 3, 1)

EXAMPLES = {
    "announce": (m.Announce(7, "operator-a"), m.decode_leader),
    "welcome": (m.Welcome(7, 2, "inc-1", 0.05), m.decode_leader),
    "commands": (m.Commands(7, 2, COMMANDS), m.decode_leader),
    "acks": (m.Acks(7, 2, [("u-1", 2)]), m.decode_leader),
    "resend": (m.Resend(7, 2, ["u-1"]), m.decode_leader),
    "hello": (
        m.Hello("inc-1", 7, "node-1", "127.0.1.1", "0.1.0", 2000, 1 << 30, [REPORTED]),
        m.decode_worker,
    ),
    "output_request": (m.OutputRequest(7, 2, 3, "u-1", 5, 100, 20, 65_536), m.decode_leader),
    "output_reply": (
        m.OutputReply("inc-1", 3, 1, 2, 100, b"out", 103, 20, b"err", 23),
        m.decode_worker,
    ),
    "report": (m.Report("inc-1", 7, 2, 5, [REPORTED], True, 12), m.decode_worker),
    "refusal": (m.Refusal("inc-1", 8), m.decode_worker),
    "journal": (m.JournalBatch("u-1", 0, "node-1", [RECORD]), m.decode_journal),
}
every_message = pytest.mark.parametrize(
    ("name", "message", "decode"),
    [pytest.param(name, *example, id=name) for name, example in EXAMPLES.items()],
)


@every_message
def test_the_bytes_are_pinned(name, message, decode):
    pinned = (GOLDEN / f"{name}.hex").read_text()
    assert m.encode_message(message).hex(" ") == pinned.strip()
    assert decode(bytes.fromhex(pinned)) == message


def test_every_message_and_command_has_an_example():
    sent = {type(message) for message, _ in EXAMPLES.values()}
    assert sent == {*m.LeaderMessage.__args__, *m.WorkerMessage.__args__, m.JournalBatch}
    assert {type(command) for command in COMMANDS} == set(m.Command.__args__)


def with_newer_fields(value):
    """The message as a later version may send it: every struct in it has grown."""
    return [*value, "added later", {"deep": [1]}]


@every_message
def test_fields_of_a_newer_sender_are_ignored(name, message, decode):
    plain = msgspec.msgpack.decode(m.encode_message(message))
    assert decode(msgspec.msgpack.encode(with_newer_fields(plain))) == message


def test_fields_of_newer_records_inside_a_message_are_ignored():
    plain = msgspec.msgpack.decode(m.encode_message(EXAMPLES["commands"][0]))
    plain[3] = [with_newer_fields(command) for command in plain[3]]
    assert m.decode_leader(msgspec.msgpack.encode(plain)) == EXAMPLES["commands"][0]


def test_a_field_with_a_default_may_be_missing():
    plain = msgspec.msgpack.decode(m.encode_message(EXAMPLES["report"][0]))
    older = m.decode_worker(msgspec.msgpack.encode(plain[:-2]))
    assert (older.leaving, older.dropped_records) == (False, 0)


def read_or_refuse(data):
    for decode in (m.decode_leader, m.decode_worker, m.decode_journal):
        with contextlib.suppress(m.MessageError):
            decode(data)


@given(st.binary())
def test_arbitrary_bytes_raise_nothing_but_a_message_error(data):
    read_or_refuse(data)


@given(st.sampled_from(list(EXAMPLES)), st.data())
def test_damaged_messages_raise_nothing_but_a_message_error(name, data):
    packed = bytearray(m.encode_message(EXAMPLES[name][0]))
    for _ in range(data.draw(st.integers(0, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(bytes(packed[: data.draw(st.integers(0, len(packed)))]))


@pytest.mark.parametrize(
    ("decode", "data", "words"),
    [
        pytest.param(m.decode_leader, b"", "not a leader's message", id="nothing"),
        pytest.param(m.decode_worker, b"\xc1", "not a worker's message", id="no MessagePack"),
        pytest.param(m.decode_journal, b"\x90", "not a journal batch", id="too short"),
        pytest.param(
            m.decode_leader,
            b"\x94\xa8Announce\x01\xa1x" + b"\x91" * 100_000 + b"\x01",
            "not a leader's message",
            id="nested without end in an ignored field",
        ),
        pytest.param(
            m.decode_worker,
            m.encode_message(m.Announce(1, "a")),
            "not a worker's message",
            id="the other direction's message",
        ),
    ],
)
def test_garbage_is_refused_with_its_place(decode, data, words):
    with pytest.raises(m.MessageError, match=words):
        decode(data)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(m.Refusal("i", 2**64 - 1), id="an epoch beyond all counting"),
        pytest.param(m.Refusal("i", -1), id="a negative epoch"),
        pytest.param(
            m.Report("i", 1, 1, 1, [m.JobReport("u", "n", "j", 0, [(0, 2**40)], [], 0, 0, [])]),
            id="an index that no job has",
        ),
    ],
)
def test_numbers_that_nobody_can_have_counted_to_are_refused(message):
    with pytest.raises(m.MessageError):
        m.decode_worker(m.encode_message(message))
