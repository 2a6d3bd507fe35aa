"""Whom a new leader waits for before it believes that nobody holds an index."""

from collections import defaultdict

from distributedjob_operator.core import silence
from distributedjob_operator.core.clock import Instant
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import QUIET_SECONDS, Leader
from distributedjob_operator.core.tally import Loss


def end_listening(leader: Leader, now: Instant) -> None:
    """Plan from now on, where it was long enough.

    Those heard by then that have not stated what they hold are waited for.
    """
    if leader.listening and now.mono >= leader.listening_until:
        leader.listening_until = float("-inf")
        stated = {key for key, worker in leader.fleet.workers.items() if worker.stated}
        late: defaultdict[str, set[str]] = defaultdict(set)
        for pool, name in leader.fleet.heard.keys() - stated:
            if name in leader.fleet.nodes:
                late[pool].add(name)
        for job in leader.jobs.values():
            if not job.finished:
                leader.awake[job.uid] = job
                job.awaited |= late[job.spec.pool]


def expire(leader: Leader, now: Instant) -> None:
    """Give up silent workers, and the wait for those of whom nothing is heard at all.

    One that is heard answers yet: its session is being granted, over and over if
    need be, and what it holds must not be given to others meanwhile.
    """
    limit = leader.proved_at - leader.tuning.silence_seconds
    for key in silence.given_up(leader.fleet, leader.proved_at, leader.tuning.silence_seconds):
        leader.lose(key, Loss.SILENCE, now)
    asked_long_ago = leader.proved_at - leader.asked_at >= QUIET_SECONDS
    none_spoke: dict[int, bool] = {}
    for job in [job for job in leader.awake.values() if job.awaited]:
        # Most jobs share what they wait for.
        shared = id(job.awaited)
        if shared not in none_spoke:
            spoke = {name: _spoke_at(leader, job, name) for name in job.awaited}
            none_spoke[shared] = all(heard < leader.asked_at for heard in spoke.values())
            if limit >= leader.asked_at:
                job.awaited -= {name for name, heard in spoke.items() if heard < limit}
        job.quiet = asked_long_ago and none_spoke[shared]


def _spoke_at(leader: Leader, job: Job, node: str) -> float:
    return leader.fleet.heard.get((job.spec.pool, node), float("-inf"))
