"""Whatever a worker's key may send: no leader stumbles, and no index is counted twice."""

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from distributedjob_api.messages import (
    Acks,
    Entry,
    Failure,
    Hello,
    JobReport,
    MessageError,
    Refusal,
    Report,
    WorkerMessage,
    decode_worker,
    encode_message,
)
from distributedjob_operator.core import reporting
from tests.support.builders import at
from tests.support.fleet import World
from tests.support.worlds import N1, UID, a_world, last, sent

FAR = 2**40
numbers = st.one_of(st.integers(0, 12), st.integers(0, FAR))
texts = st.one_of(st.sampled_from([UID, "uid-other", "job", "default", "n1", "n2", "i1", ""]))
bounds = st.one_of(st.integers(0, 12), st.integers(0, 12), st.integers(0, 999_999))
ranges = st.lists(st.tuples(bounds, bounds), max_size=4)
failures = st.builds(
    Failure,
    index=bounds,
    ended=numbers,
    reason=st.sampled_from(["Error", "Interrupted", "Stopped", "Nonsense", ""]),
    exit_code=st.integers(-1, 255),
    signal=st.integers(0, 255),
    tail=st.text(max_size=20),
)
entries = st.builds(
    Entry,
    seq=numbers,
    run=st.integers(0, 2),
    succeeded=ranges,
    failed=st.lists(failures, max_size=3),
    stopped=ranges,
    busy_seconds=st.floats(allow_nan=True, allow_infinity=True),
)
jobs = st.lists(
    st.builds(
        JobReport,
        uid=texts,
        namespace=texts,
        name=texts,
        run=st.integers(0, 2),
        queued=ranges,
        running=ranges,
        acked_seq=numbers,
        last_seq=numbers,
        entries=st.lists(entries, max_size=3),
    ),
    max_size=3,
)
hellos = st.builds(
    Hello,
    incarnation=texts,
    epoch=numbers,
    node=texts,
    address=texts,
    version=texts,
    cpu_millis=numbers,
    memory_bytes=numbers,
    jobs=jobs,
)
reports = st.builds(
    Report,
    incarnation=st.sampled_from(["i1", "i2"]),
    epoch=st.one_of(st.just(5), numbers),
    session=st.one_of(st.integers(0, 4), numbers),
    applied=numbers,
    jobs=jobs,
    leaving=st.booleans(),
)


@st.composite
def plausible(draw: st.DrawFn) -> Report:
    """A report that fits the session, and lies in everything else."""
    made = draw(st.lists(entries, min_size=1, max_size=3))
    numbered = [structs.replace(one, seq=at, run=0) for at, one in enumerate(made, start=1)]
    held, run = draw(ranges), draw(ranges)
    stated = JobReport(UID, "default", "job", 0, held, run, 0, len(numbered), numbered)
    session = draw(st.integers(1, 2))
    return Report("i1", 5, session, draw(st.integers(0, 6)), [stated], draw(st.booleans()))


messages = st.one_of(
    plausible(), hellos, reports, st.builds(Refusal, incarnation=texts, epoch=numbers)
)
senders = st.sampled_from([N1, ("default", "n2"), ("default", "stranger"), ("other", "n1")])


def hear(world: World, key: tuple[str, str], message: WorkerMessage) -> None:
    """As the controller does, from the bytes on."""
    try:
        message = decode_worker(encode_message(message))
    except MessageError:
        return
    now = at(world.now)
    match message:
        case Hello():
            reporting.hello(world.leader, key, message, now)
        case Report():
            reporting.report(world.leader, key, message, now)
        case Refusal():
            reporting.refusal(world.leader, message)


def consistent(status: dict[str, Any], tasks: int) -> None:
    counts = [status[name] for name in ("pending", "running", "succeeded", "failed", "cancelled")]
    assert all(count >= 0 for count in counts), counts
    assert sum(counts) == tasks


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(senders, messages), max_size=8))
def test_forged_messages_break_neither_the_leader_nor_its_counts(
    forged: list[tuple[tuple[str, str], WorkerMessage]],
):
    world = a_world(2, 1, completions=10)
    for key, message in forged:
        hear(world, key, message)
        world.now += 0.1
        world.deliver()
        consistent(last(world), 10)
    wanted = world.leader.jobs[UID].ledger.wanted
    recorded = world.leader.jobs[UID].ledger.recorded
    assert not recorded.succeeded & recorded.failed
    assert (recorded.succeeded | recorded.failed).issubset(wanted)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_a_message_or_refused(payload: bytes):
    with suppress(MessageError):
        assert encode_message(decode_worker(payload))


def claim(world: World, key: tuple[str, str], node: str) -> Report:
    """Greet the leader, take the session that it grants, and claim that all succeeded."""
    entry = Entry(1, 0, [(0, 9)], [], [], 1.0)
    stated = JobReport(UID, "default", "job", 0, [], [], 0, 1, [entry])
    hear(world, key, Hello("i1", 0, node, "", "0", 0, 0, [stated]))
    session = world.leader.fleet.workers[key].session
    return Report("i1", world.leader.epoch, session, 0, [stated])


def test_results_of_a_stranger_are_acknowledged_and_dropped():
    world = a_world(2, completions=10)
    stranger = ("default", "stranger")
    hear(world, stranger, claim(world, stranger, "stranger"))
    assert not world.leader.jobs[UID].ledger.recorded.succeeded
    (acks,) = sent(world.leader.take_effects(), Acks)
    assert acks.upto == [(UID, 1)]


def test_results_of_a_worker_whose_node_is_gone_count():
    world = a_world(2, completions=10)
    worker = world.workers[N1]
    worker.start()
    worker.finish()
    world.leader.node_gone("n1", at(world.now))
    worker.report()
    world.leader.take_effects()
    hear(world, N1, claim(world, N1, "n1"))
    assert 0 in world.leader.jobs[UID].ledger.recorded.succeeded
