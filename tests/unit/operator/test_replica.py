"""A replica that must not go on ends, whatever its clients make of it."""

import asyncio

import pytest

from distributedjob_operator import replica
from distributedjob_operator.errors import LeaseLost


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
