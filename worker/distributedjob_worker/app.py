"""Puts the agent together: the only place that knows all of its parts."""

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import resource
import secrets
import signal
import sys
import threading
from dataclasses import dataclass
from typing import Any, Final

from distributedjob_api.logs import start_logging
from distributedjob_worker.agent import Agent
from distributedjob_worker.bus import Bus
from distributedjob_worker.core.worker import Identity, Worker
from distributedjob_worker.errors import SettingsError, SpoolError, WorkerError
from distributedjob_worker.execution import linux, orphans
from distributedjob_worker.execution.crew import Crew
from distributedjob_worker.execution.executor import Executor, Room
from distributedjob_worker.execution.scratch import ScratchPool
from distributedjob_worker.metrics import WorkerMetrics, serve
from distributedjob_worker.settings import Settings, read_settings, task_environment
from distributedjob_worker.spool import Spool

_log = logging.getLogger(__name__)

_OPEN_FILES: Final = 65536


def main() -> int:
    """Run the agent until it is told to leave; returns the exit code."""
    linux.close_inherited()
    try:
        settings = read_settings(os.environ)
        prepared = _prepare(settings)
        asyncio.run(_run(settings, prepared))
    except (SettingsError, SpoolError) as error:
        print(f"distributedjob-worker: {error}", file=sys.stderr)
        return 2
    except WorkerError as error:
        _log.error("%s", error)
        return 1
    return 0


@dataclass(frozen=True)
class _Prepared:
    """The parts that stand before there is an event loop, or any thread."""

    core: Worker
    lock: threading.Lock
    spool: Spool
    runner: Executor | Crew


def _prepare(settings: Settings) -> _Prepared:
    linux.forbid_inspection()
    linux.adopt_orphans()
    _raise_file_limit()
    incarnation = secrets.token_hex(8)
    core = Worker(_identity(settings, incarnation), journals=settings.journal)
    start_logging(settings.log_level, settings.log_format, lambda: _where(core))
    spool = Spool(settings.state_dir)
    # The state directory tells agents of one name apart that run on one machine.
    home = settings.state_dir.stat()
    prefix = (
        f"{settings.installation}/{settings.pool}/{settings.node}@{home.st_dev:x}.{home.st_ino:x}/"
    )
    try:
        ended = orphans.end_leftovers(prefix, settings.state_dir)
    except TimeoutError as error:
        raise WorkerError(str(error)) from error
    if ended:
        _log.warning("ended %d processes of an earlier agent", ended)

    try:
        # First what earlier tasks left, for their files may be what fills the disk.
        scratch = ScratchPool(settings.state_dir / "scratch")
        core.ledgers.adopt(spool.load())
        spool.replace(core.ledgers.kept)
    except OSError as error:
        raise SpoolError(
            f"DJOB_STATE_DIR {settings.state_dir} cannot be used"
            f" ({error.filename or 'spool'}: {error.strerror}): make room or remove what is there"
        ) from error
    lock = threading.Lock()
    cores = len(os.sched_getaffinity(0))
    slots, count = settings.slots(cores), settings.executor_count(cores)
    room = Room(
        home=settings.state_dir,
        mark=prefix + incarnation,
        node=settings.node,
        pool=task_environment(settings, os.environ),
        slots=-(-slots // count),
    )
    runner: Executor | Crew
    if count == 1:
        runner = Executor(core, lock, scratch, room)
    else:
        runner = Crew(core, lock)
        runner.fork(count, room, [spool.close])
    _log.info(
        "worker %s of pool %s, incarnation %s, %d executors",
        *(settings.node, settings.pool, incarnation, count),
    )
    return _Prepared(core, lock, spool, runner)


async def _run(settings: Settings, prepared: _Prepared) -> None:
    loop = asyncio.get_running_loop()
    agent = Agent(
        prepared.core, prepared.lock, prepared.runner, prepared.spool, settings.ready_file
    )
    bus = Bus(settings, agent.received, agent.connected, agent.disconnected)
    agent.transport = bus
    lost: asyncio.Future[str] = loop.create_future()

    def on_lost(why: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the agent has left
            loop.call_soon_threadsafe(lost.set_result, why)

    prepared.runner.start(agent.changed, on_lost)
    if settings.metrics_address is not None:
        core, spool = prepared.core, prepared.spool
        serve(*settings.metrics_address, WorkerMetrics(settings.pool, core, agent, spool, bus))
    await _serve(agent, bus, prepared.runner, lost)


def _where(core: Worker) -> dict[str, object]:
    """What every line of the log is about: the node, and the lead that it follows."""
    return {"node": core.identity.node, "epoch": core.session.epoch or None}


async def _serve(
    agent: Agent, bus: Bus, runner: Executor | Crew, lost: asyncio.Future[str]
) -> None:
    """Work until a signal says leave; a second one ends at once."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def on_signal() -> None:
        if told.is_set():
            _log.warning("told to leave twice: ending at once")
            runner.kill_all()
            os._exit(1)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    running = asyncio.create_task(bus.run())
    leaving = asyncio.create_task(told.wait())
    try:
        await _first(running, leaving, lost)
        if running.done():
            running.result()
        if not lost.done():
            _log.info("leaving")
            await _leave(agent, lost)
        if lost.done():
            agent.record()
        await bus.flush()
        if lost.done():
            raise WorkerError(lost.result())
    finally:
        leaving.cancel()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        runner.kill_all()


async def _leave(agent: Agent, lost: asyncio.Future[str]) -> None:
    """Wait for the end of every task, unless those who know of some are lost."""
    going = asyncio.create_task(agent.leave())
    await _first(going, lost)
    if going.done():
        going.result()
    else:
        going.cancel()


async def _first(*waited: asyncio.Future[Any]) -> None:
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)


def _identity(settings: Settings, incarnation: str) -> Identity:
    return Identity(
        incarnation=incarnation,
        node=settings.node,
        address=settings.address,
        version=importlib.metadata.version("distributedjobs"),
        cpu_millis=settings.usable_cpu_millis,
        memory_bytes=settings.memory_bytes,
    )


def _raise_file_limit() -> None:
    """Three descriptors a task; the tasks inherit the limit, so it stays an ordinary one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
