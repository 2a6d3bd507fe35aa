"""The laws that hold whatever goes wrong; each is checked when it could first be broken.

A  succeeded, failed and cancelled add up, and every index has one outcome.
B  what is recorded as succeeded has run to its end.
C  an index that has run to its end runs again only if its worker was dead or silent, and
   never where both limits of the job are 0.
D  two runs of an index overlap only for the same reason.
E  no worker obeys an epoch lower than one it has seen (checked at the worker).
F  what is recorded never goes back, and conditions move along Job's lines.
G  nothing runs of a job that has ended.
H  the object stays small.
J  all that is healed comes to its end in time.
K  what the status blames is what happened.
"""

import json
import traceback
from collections.abc import Iterable
from typing import Any, Final

from distributedjob_api.indexes import parse_indexes
from tests.support.simulation.api_server import Body
from tests.support.simulation.ledger import SILENCE_SECONDS, How, Ledger, Run
from tests.support.simulation.world import World
from tests.support.transitions import assert_lawful

FINAL: Final = ("Complete", "Failed", "Cancelled")
GONE_SECONDS: Final = 15.0
"""A deletion that the watch missed is found by the second relist, at the latest."""

MOST_BYTES: Final = 10 * 1024
"""An ordinary job's object stays under this."""

KNOWN_REASONS: Final = {
    "Error": {How.FAILED},
    "Interrupted": set(How),
    "InterruptionLimitExceeded": set(How),
}
"""What an attempt may be said to have ended by, and how it may have ended in truth."""


class Laws:
    """The judge of one history."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ledger: Ledger = world.ledger
        self._ended: dict[tuple[str, int], float] = {}
        self._versions: dict[str, Body] = {}

    # -- when a task starts --------------------------------------------------------

    def starts(self, run: Run) -> None:
        """C, D and G at the start of a run, which is noted here."""
        now = run.started
        if self._world.plans[run.uid].at_most_once and self._ledger.of(run):
            self._world.violation("C", f"{run} starts twice")
        for other in self._ledger.of(run):
            if other.how is How.RUNNING:
                self._excused("D", other, run, f"{run} starts beside {other}")
            elif other.how is How.SUCCEEDED or (
                other.how is How.FAILED and other.ended == run.ended
            ):
                self._ledger.repeats += 1
                self._excused("C", other, run, f"{run} starts after {other} {other.how}")
        ended = self._ended.get((run.uid, run.run))
        if ended is not None and not self._troubled(run.place, ended):
            self._world.violation("G", f"{run} starts {now - ended:.2f} s after the job's end")
        gone = self._world.api.gone.get(run.uid, now)
        if now - gone > GONE_SECONDS and not self._troubled(run.place, gone):
            self._world.violation("G", f"{run} starts {now - gone:.2f} s after it was deleted")
        self._ledger.begin(run)

    def _excused(self, law: str, first: Run, second: Run, text: str) -> None:
        since = first.started
        if not (self._troubled(first.place, since) or self._troubled(second.place, since)):
            self._world.violation(law, text)

    def _troubled(self, place: str, since: float) -> bool:
        now = self._world.loop.time()
        return self._ledger.troubled(place, since - SILENCE_SECONDS, now)

    # -- when a status is written --------------------------------------------------

    def written(self, before: Body, after: Body) -> None:
        """A, B, F, G, H and K of each version of an object."""
        old, new = before.get("status") or {}, after["status"]
        uid = after["metadata"]["uid"]
        plan = self._world.plans[uid]
        tasks = plan.tasks
        try:
            assert_lawful([before, after])
        except AssertionError as error:
            self._world.violation("F", f"{uid}: {error or _line(error)}")
        counted = sum(new[name] for name in ("succeeded", "failed", "cancelled", "pending"))
        if counted + new["running"] != tasks:
            self._world.violation("A", f"{uid}: {counted} + {new['running']} of {tasks}")
        done, failed = _indexes(new)
        if done & failed or (len(done), len(failed)) != (new["succeeded"], new["failed"]):
            self._world.violation("A", f"{uid}: {done} and {failed}")
        same_run = old.get("run", 0) == new["run"]
        if not same_run and (old["phase"] not in FINAL or new["run"] != old.get("run", 0) + 1):
            self._world.violation("F", f"{uid}: run {new['run']} follows {old.get('run')}")
        known_done, known_failed = _indexes(old) if same_run else (set(), set())
        self._ran(uid, new["run"], done - known_done, {How.SUCCEEDED}, "B")
        if not plan.at_most_once:
            # There, what may have started is given up when nobody can tell.
            self._ran(uid, new["run"], failed - known_failed, set(How), "K")
        for failure in new.get("recentFailures", ()):
            if plan.at_most_once and failure["reason"] == "Interrupted":
                continue
            kinds = KNOWN_REASONS.get(failure["reason"], set())
            self._ran(uid, None, {failure["index"]}, kinds, "K")
        if self._world.history.traced:
            self._world.note(f"{uid} {new}")
        if new["phase"] in FINAL and old.get("phase") not in FINAL:
            self._ends(uid, new)

    def _ran(
        self, uid: str, run: int | None, indexes: Iterable[int], kinds: set[How], law: str
    ) -> None:
        """Each of these indexes has a run that ended in one of these ways."""
        for index in indexes:
            numbers = range(run + 1) if run is not None else range(100)
            if not any(
                one.how in kinds
                for number in numbers
                for one in self._ledger.runs.get((uid, number, index), ())
            ):
                self._world.violation(law, f"{uid}/{run}: index {index} is recorded and never ran")

    def _ends(self, uid: str, status: dict[str, Any]) -> None:
        now = self._world.loop.time()
        self._world.note(f"{uid} is {status['phase']}: {status['progress']}")
        self._ended[uid, status["run"]] = now
        for run in self._ledger.active:
            of_it = run.uid == uid and run.run <= status["run"]
            if of_it and not self._troubled(run.place, run.started):
                self._world.violation("G", f"{run} runs when the job is {status['phase']}")

    # -- in the end ----------------------------------------------------------------

    def in_the_end(self) -> None:
        """What holds once everything is quiet."""
        world = self._world
        for run in self._ledger.active:
            world.violation("G", f"{run} still runs")
        for body in world.api.jobs.values():
            uid, status = body["metadata"]["uid"], body["status"]
            size = len(json.dumps(body))
            if size > MOST_BYTES:
                world.violation("H", f"{uid} has {size} bytes")
            if status["succeeded"] + status["failed"] + status["cancelled"] != (
                world.plans[uid].tasks
            ):
                world.violation("A", f"{uid}: {status['progress']}")
            if status["phase"] != "Cancelled" and not world.plans[uid].early_end:
                self._as_planned(uid, status)
            by_leaders = world.plans[uid].at_most_once  # what one announced and did not hand out
            if status["interruptions"] and not self._ledger.troubles and not by_leaders:
                world.violation("K", f"{uid} has {status['interruptions']} interruptions")

    def _as_planned(self, uid: str, status: dict[str, Any]) -> None:
        """The outcome of every index is that of its command."""
        plan = self._world.plans[uid]
        done, failed = _indexes(status)
        doomed = plan.hopeless | plan.flaky if plan.at_most_once else plan.hopeless
        if done & doomed or done | failed != set(range(plan.tasks)):
            self._world.violation("A", f"{uid}: {done} succeeded, {failed} failed")
        by_interruptions = plan.interruption_limit < 100
        if failed != doomed and not (by_interruptions and failed >= doomed):
            self._world.violation("A", f"{uid}: {failed} failed, not {set(doomed)}")


def _line(error: AssertionError) -> str:
    return traceback.extract_tb(error.__traceback__)[-1].line or ""


def _indexes(status: dict[str, Any]) -> tuple[set[int], set[int]]:
    done = parse_indexes(status.get("completedIndexes", ""), 1000)
    failed = parse_indexes(status.get("failedIndexes", ""), 1000)
    return set(done), set(failed)
