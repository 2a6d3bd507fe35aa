"""What a task that runs has written so far: asked of its worker when somebody wants to know.

Request and answer travel as every command and report: only the operator speaks on a
worker's subject, and a worker answers on its own. Nothing is kept here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from distributedjob_api.messages import LeaderMessage, OutputReply, OutputRequest
from distributedjob_operator.core.effects import WorkerKey
from distributedjob_operator.core.job import Job
from distributedjob_operator.core.leader import Leader
from distributedjob_operator.ports import Unavailable

MOST_BYTES: Final = 64 * 1024
"""Of each stream in one answer."""

ANSWER_SECONDS: Final = 2.0
ASKED: Final = 8
"""Questions at one time: their answers come on the way of the reports."""

Place = tuple[int, int]
"""How much of stdout and of stderr is known already."""


class LiveOutput:
    """Questions to workers and who waits for their answers.

    Args:
        send: sends a message to a worker.
    """

    def __init__(self, send: Callable[[WorkerKey, LeaderMessage], Awaitable[None]]) -> None:
        self._send = send
        self._turns = asyncio.Semaphore(ASKED)
        self._waiting: dict[tuple[WorkerKey, int], asyncio.Future[OutputReply]] = {}
        self._requests = 0

    async def ask(
        self, leader: Leader, job: Job, index: int, known: Place
    ) -> tuple[str, OutputReply] | None:
        """The node on which a task runs and what it wrote behind a place; None if it does not run.

        Raises:
            Unavailable: its worker does not answer.
        """
        async with self._turns:
            key = running_at(job, index)
            worker = leader.fleet.workers.get(key) if key is not None else None
            if key is None or worker is None:
                return None
            self._requests += 1
            waiting = (key, self._requests)
            answer = self._waiting[waiting] = asyncio.get_running_loop().create_future()
            request = OutputRequest(
                leader.epoch, worker.session, self._requests, job.uid, index, *known, MOST_BYTES
            )
            try:
                await self._send(key, request)
                async with asyncio.timeout(ANSWER_SECONDS):
                    reply = await answer
            except TimeoutError as error:
                raise Unavailable(
                    f"the worker on {worker.node} does not answer:"
                    " what the task wrote is there once it has ended"
                ) from error
            finally:
                del self._waiting[waiting]
            return (worker.node, reply) if reply.attempt else None

    def heard(self, key: WorkerKey, reply: OutputReply) -> None:
        """A worker answered; nobody waits for a late answer, or for another worker's."""
        answer = self._waiting.get((key, reply.request))
        if answer is not None and not answer.done():
            answer.set_result(reply)


def running_at(job: Job, index: int) -> WorkerKey | None:
    """The worker that said last that it runs a task."""
    running = job.ledger.running
    return next((key for key, held in running.items() if index in held), None)
