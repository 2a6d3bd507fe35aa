"""Puts the agent together: the only place that knows all of its parts."""

import asyncio
import importlib.metadata
import logging
import os
import resource
import secrets
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

from distributedjob_api.logs import start_logging
from distributedjob_worker.agent import Agent
from distributedjob_worker.bus import Bus
from distributedjob_worker.core.worker import Identity, Worker
from distributedjob_worker.errors import SettingsError, SpoolError, WorkerError
from distributedjob_worker.execution import linux, orphans
from distributedjob_worker.execution.executor import Executor
from distributedjob_worker.execution.scratch import ScratchPool
from distributedjob_worker.metrics import WorkerMetrics, serve
from distributedjob_worker.settings import Settings, read_settings, task_environment
from distributedjob_worker.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

_OPEN_FILES: Final = 65536


def main() -> int:
    """Run the agent until it is told to leave; returns the exit code."""
    linux.close_inherited()
    try:
        settings = read_settings(os.environ)
        asyncio.run(_run(settings))
    except (SettingsError, SpoolError) as error:
        print(f"distributedjob-worker: {error}", file=sys.stderr)
        return 2
    except WorkerError as error:
        _log.error("%s", error)
        return 1
    return 0


async def _run(settings: Settings) -> None:
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
        ended = await asyncio.to_thread(orphans.end_leftovers, prefix)
    except TimeoutError as error:
        raise WorkerError(str(error)) from error
    if ended:
        _log.warning("ended %d processes of an earlier agent", ended)

    try:
        core.adopt(spool.load())
        spool.replace(core.kept)
        scratch = ScratchPool(settings.state_dir / "scratch")
    except OSError as error:
        raise SpoolError(
            f"DJOB_STATE_DIR {settings.state_dir} cannot be used"
            f" ({error.filename or 'spool'}: {error.strerror}): make room or remove what is there"
        ) from error
    lock = threading.Lock()
    late = _Late()
    executor = Executor(
        core,
        lock,
        late,
        scratch,
        mark=prefix + incarnation,
        pool=task_environment(settings, os.environ),
    )
    agent = Agent(core, lock, executor, spool, settings.ready_file)
    bus = Bus(settings, agent.received, agent.connected)
    late.call = agent.changed
    agent.transport = bus
    executor.start()
    _log.info("worker %s of pool %s, incarnation %s", settings.node, settings.pool, incarnation)
    if settings.metrics_address is not None:
        metrics = WorkerMetrics(settings.pool, core, agent, spool, bus)
        serve(*settings.metrics_address, metrics)
    await _serve(agent, bus, executor)


def _where(core: Worker) -> dict[str, object]:
    """What every line of the log is about: the node, and the lead that it follows."""
    return {"node": core.identity.node, "epoch": core.session.epoch or None}


async def _serve(agent: Agent, bus: Bus, executor: Executor) -> None:
    """Work until a signal says leave; a second one ends at once."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def on_signal() -> None:
        if told.is_set():
            _log.warning("told to leave twice: ending at once")
            executor.kill_all()
            os._exit(1)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    running = asyncio.create_task(bus.run())
    leaving = asyncio.create_task(told.wait())
    try:
        await asyncio.wait([running, leaving], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        _log.info("leaving")
        await agent.leave()
        await bus.flush()
    finally:
        leaving.cancel()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        executor.kill_all()


class _Late:
    """The executor's way to the agent, which is made after it."""

    def __init__(self) -> None:
        self.call: Callable[[], None] | None = None

    def __call__(self) -> None:
        if self.call is not None:
            self.call()


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
