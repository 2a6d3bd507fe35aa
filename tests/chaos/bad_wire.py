"""A host in the middle that delays, loses, reorders and doubles packets.

Packets reach it because the others have its address for that of their peer. Run as a
script on a host of its own: ``bad_wire.py SEED ADDRESS=HARDWARE...``.
"""

import heapq
import random
import select
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from tests.chaos.rig import Rig

NAME: Final = "bad-wire"
SOL_PACKET, PACKET_VNET_HDR, ETH_P_IP = 263, 15, 0x0800
VNET_BYTES, HARDWARE_BYTES = 10, 6
LARGEST: Final = 65_536 + 64
COUNTED: Final = 50
DELAY_SECONDS: Final = (0.1, 0.3)
LOSS, DOUBLING = 0.05, 0.05


class BadWire:
    """The relay as a process of the rig."""

    def __init__(self, rig: "Rig", seed: int) -> None:
        self._rig = rig
        stations = rig.network.stations.values()
        table = [f"{one.address}={one.hardware}" for one in stations]
        self._counter = ready = rig.folder / "bad-wire-passed"
        command = [sys.executable, Path(__file__), str(seed), str(ready), *table]
        self._process = rig.helper(NAME, command, ready)

    def __enter__(self) -> Self:
        self._process.start()
        self._process.wait_ready(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.stop()

    @property
    def passed(self) -> int:
        """How many packets it has passed on so far, about."""
        return int(self._counter.read_text() or 0)

    def between(self, one: Iterable[str], others: Iterable[str]) -> None:
        """Take the place of the wires between these hosts."""
        others = list(others)
        for here in one:
            for there in others:
                self._rig.network.redirect(here, there, NAME)
                self._rig.network.redirect(there, here, NAME)


def relay(chance: random.Random, counter: Path, hardware: dict[bytes, bytes]) -> None:
    """Pass frames on for ever, each after a time of its own, so that they overtake."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    # With it, frames keep what the kernel still owes them: checksums and segments.
    wire.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    wire.bind(("eth0", ETH_P_IP))
    own = wire.getsockname()[4]
    waiting: list[tuple[float, int, bytes]] = []
    count = sent = 0
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([wire], [], [], pause)[0]:
            frame = wire.recv(LARGEST)
            start = VNET_BYTES
            target = frame[start + 30 : start + 34]
            if frame[start : start + HARDWARE_BYTES] != own or target not in hardware:
                continue
            passed = frame[:start] + hardware[target] + own + frame[start + 12 :]
            copies = 0 if chance.random() < LOSS else 2 if chance.random() < DOUBLING else 1
            for _ in range(copies):
                count += 1
                due = time.monotonic() + chance.uniform(*DELAY_SECONDS)
                heapq.heappush(waiting, (due, count, passed))
        while waiting and waiting[0][0] <= time.monotonic():
            wire.send(heapq.heappop(waiting)[2])
            sent += 1
            if sent % COUNTED == 0:
                counter.write_text(str(sent))


def main(seed: str, ready: str, *table: str) -> None:
    """Read the table and relay."""
    pairs = (entry.split("=") for entry in table)
    hardware = {
        socket.inet_aton(address): bytes.fromhex(text.replace(":", "")) for address, text in pairs
    }
    counter = Path(ready)
    counter.write_text("0")
    relay(random.Random(int(seed)), counter, hardware)


if __name__ == "__main__":
    main(*sys.argv[1:])
