"""A cluster that outlives its command: brought up, looked at, taken down."""

import json
from dataclasses import asdict, dataclass

from distributedjob_local.component import Setting
from distributedjob_local.errors import LocalError, UnreadableStateError
from distributedjob_local.interrupts import STILL_ENDING, uninterrupted
from distributedjob_local.leftovers import end_leftovers, remove
from distributedjob_local.programs import EVERYTHING, find_programs
from distributedjob_local.progress import Progress
from distributedjob_local.records import Record, read_records
from distributedjob_local.size import Size
from distributedjob_local.state import StateDirectory


@dataclass(frozen=True, slots=True)
class Standing:
    """What a state directory says of its cluster."""

    size: Size | None
    records: list[Record]

    @property
    def down(self) -> list[str]:
        """Components that were started and have ended."""
        return [record.name for record in self.records if not record.identity.alive]

    @property
    def complete(self) -> bool:
        """Whether it was started to the end and everything still runs."""
        return self.size is not None and bool(self.records) and not self.down


def read_standing(state: StateDirectory) -> Standing:
    """Read a state directory, which need not exist.

    Raises:
        LocalError: this user may not look.
        UnreadableStateError: one of its files is not what it was.
    """
    if not state.made:
        return Standing(None, [])
    size = None
    if state.settings.exists():
        try:
            size = Size(**json.loads(state.settings.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UnreadableStateError(state.settings, "record of a cluster") from error
    return Standing(size, read_records(state.records))


def bring_up(state: StateDirectory, size: Size, progress: Progress) -> bool:
    """Start a cluster that goes on when this process ends.

    Returns:
        Whether it was started now; otherwise this very cluster already ran.

    Raises:
        LocalError: one of another size runs here.
    """
    with state.locked():
        standing = read_standing(state)
        if standing.complete:
            if standing.size != size:
                raise LocalError(
                    f"a cluster of another size ({standing.size}) runs in {state.root};"
                    " take it down first: djob local down"
                )
            return False
        if standing.size is not None and standing.down:
            progress.note(f"ended by itself: {', '.join(standing.down)}; starting everything again")
        state.settings.unlink(missing_ok=True)
        leftovers = end_leftovers(state)
        if leftovers:
            names = ", ".join(record.name for record in leftovers)
            progress.note(f"ended what an earlier cluster left: {names}")
        programs = find_programs(EVERYTHING, progress)
        from distributedjob_local.cluster import Cluster  # Slow to import; not for `status`.

        cluster = Cluster(Setting(state, attended=False, supervised=True), programs, size)
        with progress.step("starting the cluster"):
            try:
                cluster.start()
                state.write_private(state.settings, json.dumps(asdict(size)))
            except BaseException:
                with uninterrupted(STILL_ENDING):
                    end_leftovers(state)
                raise
        return True


def take_down(state: StateDirectory, *, purge: bool) -> list[Record]:
    """End whatever runs of a cluster, and return it; with ``purge`` forget its data."""
    if not state.made:
        return []
    with state.locked():
        state.settings.unlink(missing_ok=True)
        ended = end_leftovers(state)
        if purge:
            remove(state.root / "data")  # Tasks' files are among it.
            state.purge()
    return ended
