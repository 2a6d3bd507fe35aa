"""kopf as the watch front end, and nothing more.

It runs in a thread and loop of its own, since on exit it cancels every task of its
loop; its handlers only hand events over and never patch an object, so that kopf
leaves neither annotations nor finalizers. ``standalone`` keeps foreign peerings of
other kopf operators from pausing ours.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import kopf
from kopf._core.engines.peering import Identity

from distributedjob_api import constants

_log = logging.getLogger(__name__)

Handler = Callable[[str | None, Mapping[str, Any]], None]
"""Gets the watch event's type (None: from the initial list) and the object."""

STOP_SECONDS = 5.0
LONGEST_REASON = 500
MOST_REASONS = 100
IDENTITY = Identity(constants.GROUP)
"""Means nothing to who stands alone; kopf would look up its user, and a container has none."""


class Patience:
    """Pauses of kopf between two attempts, in seconds: for ever, and never long."""

    def __iter__(self) -> Iterator[float]:
        """Begin with short ones."""
        return chain((0.2, 0.5, 1.0), repeat(2.0))


class Telling(logging.Handler):
    """Says once what kopf logs of each attempt, or with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Say in one line what went wrong, unless it was said."""
        error = (record.exc_info or sys.exc_info())[1]
        # kopf's own errors have the message first, and then everything else.
        said = error.args[0] if error and error.args else record.getMessage()
        reason = " ".join(str(said if isinstance(said, str) else error).split())[:LONGEST_REASON]
        if reason not in self._told and len(self._told) < MOST_REASONS:
            self._told.add(reason)
            extra = {"k8s_ref": getattr(record, "k8s_ref", None)}
            _log.warning("watching the API server, trying on: %s", reason, extra=extra)


_KOPF = logging.getLogger("kopf")
_KOPF.setLevel(logging.ERROR)
_KOPF.propagate = False
_KOPF.addHandler(Telling())
# It warns that we handle the signals, and logs with a traceback what it raises as well.
logging.getLogger("kopf._core.reactor.running").setLevel(logging.CRITICAL)


class NoEssence(kopf.DiffBaseStorage):
    """Compares nothing: no handler of ours asks what has changed, and kopf copies to find out."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Every object is like every other."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        """Nothing was kept."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""


class NoProgress(kopf.ProgressStorage):
    """Handlers of events have no progress to keep; the usual storage copies what it finds."""

    def fetch(self, **_: Any) -> None:
        """Nothing was kept."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""

    def purge(self, **_: Any) -> None:
        """There is nothing to take away."""

    def touch(self, **_: Any) -> None:
        """Leave the object as it is."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """There is nothing to clear."""
        return essence


def quiet_settings() -> kopf.OperatorSettings:
    """Settings of kopf for who only watches: nothing is written, compared or held back."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.queueing._batch_window = 0.0  # Events of one object are not held back.
    settings.scanning.disabled = True
    settings.networking.error_backoffs = Patience()
    settings.persistence.diffbase_storage = NoEssence()
    settings.persistence.progress_storage = NoProgress()
    return settings


class Watch:
    """Watches jobs and nodes until it is stopped."""

    def __init__(self, namespaces: list[str], on_job: Handler, on_node: Handler) -> None:
        self._namespaces = namespaces
        self._on_job, self._on_node = on_job, on_node
        self._on_died: Callable[[str], None] = lambda _: None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, on_died: Callable[[str], None]) -> None:
        """Start watching; ``on_died`` hears, from the thread, why it ended by itself."""
        self._on_died = on_died
        self._begin()

    def restart(self) -> None:
        """Begin anew beside the old watchers, which are told to end.

        A watcher task of kopf that has died is not restarted by kopf, and the
        process stays up, deaf; the relist finds out.
        """
        self._stop.set()
        self._begin()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """End the watching and wait for its thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _begin(self) -> None:
        self._stop = threading.Event()
        registry = self.registry()
        self._thread = threading.Thread(
            target=self._run, args=(registry, self._stop), name="kopf", daemon=True
        )
        self._thread.start()

    def registry(self) -> kopf.OperatorRegistry:
        """The handlers, which only hand over what they are given."""
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
            return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

        def handle(group: str, version: str, plural: str, handler: Handler) -> None:
            @kopf.on.event(group, version, plural, registry=registry)
            async def on_event(event: Mapping[str, Any], **_: Any) -> None:
                handler(event["type"], event["object"])

        handle(constants.GROUP, constants.VERSION, constants.PLURAL, self._on_job)
        handle("", "v1", "nodes", self._on_node)
        return registry

    def _run(self, registry: kopf.OperatorRegistry, stop: threading.Event) -> None:
        reason = "it went away"
        try:
            asyncio.run(
                kopf.operator(
                    registry=registry,
                    settings=quiet_settings(),
                    identity=IDENTITY,
                    standalone=True,
                    clusterwide=not self._namespaces,
                    namespaces=self._namespaces,
                    stop_flag=stop,
                )
            )
        except kopf.LoginError:
            reason = "the API server refuses our credentials"
        except Exception as error:
            reason = " ".join(f"{type(error).__name__} {error}".split())
        if stop.is_set():
            _log.debug("a watch of the API server was ended: %s", reason)
        else:
            self._on_died(reason)
