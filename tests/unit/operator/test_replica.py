"""A replica that must not go on ends, whatever its clients make of it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from distributedjob_operator import replica
from distributedjob_operator.errors import LeaseLost
from distributedjob_operator.ports import Unavailable


async def lost() -> None:
    raise LeaseLost("gone")


async def test_the_first_end_is_raised_though_another_swallows_its_cancellation(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(replica, "END_SECONDS", 0.05)
    over = asyncio.Event()

    async def stubborn() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    with pytest.raises(LeaseLost):
        async with asyncio.timeout(20):
            await replica.first_end(lost(), stubborn())
    over.set()


async def test_what_the_others_raise_as_they_end_is_no_news():
    async def fails_on_its_way_out() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError

    with pytest.raises(LeaseLost):
        await replica.first_end(lost(), fails_on_its_way_out())


class Over(Exception):
    """No more probes are made."""


async def probed(probes: list[tuple[bool, float]]) -> list[str]:
    """What follows from probes: whether each was answered, and when a worker was heard last."""
    told: list[str] = []
    left = iter(probes)
    controller = SimpleNamespace(
        heard_at=0.0,
        reconnected=lambda: told.append("reconnected"),
        proved=lambda: told.append("proved"),
    )

    async def probe() -> None:
        try:
            answered, controller.heard_at = next(left)
        except StopIteration:
            raise Over from None
        if not answered:
            raise Unavailable("no answer")

    stub: Any = SimpleNamespace(
        bus=SimpleNamespace(connected=True, probe=probe),
        controller=controller,
        fail=told.append,
        probe_seconds=0.0,
    )
    with pytest.raises(Over):
        await replica._probe(stub)
    return told


async def test_a_client_that_neither_is_answered_nor_hears_anybody_is_deaf():
    answered = [(True, 7.0)]
    unheard = [(False, 7.0)] * replica.PROBES_FAILED
    assert await probed(answered + unheard[1:]) == ["proved"]
    assert await probed(answered + unheard) == ["proved", "the NATS client went deaf"]


async def test_a_client_that_hears_the_workers_is_only_slow():
    slow = [(False, float(moment)) for moment in range(1, 50)]
    assert await probed([*slow, (True, 50.0), (True, 50.0)]) == ["proved", "proved"]


async def test_after_a_time_in_which_nobody_was_heard_all_are_asked_anew():
    silent = [(False, 7.0), (False, 7.0)]
    assert await probed([*silent, (True, 9.0), (True, 9.0)]) == ["reconnected", "proved"]
