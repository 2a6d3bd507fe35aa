"""Waiting for a state, with the last one seen when it does not come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


def wait_until(read: Callable[[], T], accept: Callable[[T], bool], timeout: float, what: str) -> T:
    """Read until the state is accepted and return it.

    Raises:
        AssertionError: the time is over; the message shows the last state.
    """
    deadline = time.monotonic() + timeout
    while True:
        state = read()
        if accept(state):
            return state
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s; last seen: {state!r}")
        time.sleep(POLL_SECONDS)
