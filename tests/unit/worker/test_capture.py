"""A long output loses its middle; whoever reads along never gets what was freed."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributedjob_worker.execution import capture

MIB = 1024 * 1024


def a_file(length: int) -> int:
    descriptor = capture.create()
    whole = b"x" * length
    while whole:
        whole = whole[os.write(descriptor, whole) :]
    return descriptor


@given(
    st.integers(0, 3 * MIB), st.integers(0, 3 * MIB), st.integers(1, 3 * MIB), st.integers(0, MIB)
)
def test_no_byte_that_was_freed_is_ever_read(length, offset, most, limit):
    descriptor = a_file(length)
    capture.bound(descriptor, length, limit)
    at, content, total = capture.part(descriptor, offset, most, limit)
    os.close(descriptor)
    assert total == length
    assert content == b"x" * len(content)
    assert len(content) <= most
    assert at + len(content) <= length


@pytest.mark.parametrize("most", [1000, 65_536])
def test_reading_along_gets_all_of_a_short_output_and_moves_nothing(most):
    descriptor = a_file(200_000)
    place, got = 0, 0
    while got < 200_000:
        at, content, _ = capture.part(descriptor, place, most, 65_536)
        assert at == place
        place, got = at + len(content), got + len(content)
    os.write(descriptor, b"end")
    assert capture.part(descriptor, place, most, 65_536) == (200_000, b"end", 200_003)
    os.close(descriptor)


def test_of_a_long_output_head_and_tail_are_read_and_what_lies_between_is_skipped():
    length, limit = 3 * MIB, 65_536
    descriptor = a_file(length)
    capture.bound(descriptor, length, limit)
    head = capture.part(descriptor, 0, MIB, limit)
    assert (head.at, len(head.content)) == (0, limit)
    tail = capture.part(descriptor, limit, MIB, limit)
    assert (tail.at, len(tail.content)) == (length - limit, limit)
    os.close(descriptor)


def test_an_offset_behind_the_end_is_the_end():
    descriptor = a_file(3)
    assert capture.part(descriptor, 10**18, 10, 65_536) == (3, b"", 3)
    os.close(descriptor)
