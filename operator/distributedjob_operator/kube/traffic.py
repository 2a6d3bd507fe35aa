"""What is asked of the API server, counted as it is answered."""

import threading
import time
from collections import Counter, defaultdict
from types import SimpleNamespace
from typing import Final

import aiohttp

from distributedjob_api.histogram import SECONDS, Histogram

NO_ANSWER: Final = "error"


class ApiTraffic:
    """Requests by method and code, and how long the answers took; for clients on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._seconds: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(SECONDS))

    @property
    def requests(self) -> dict[tuple[str, str], int]:
        """How many by (method, code)."""
        with self._lock:
            return dict(self._requests)

    @property
    def seconds(self) -> dict[str, Histogram]:
        """By method; a request without an answer is in none."""
        with self._lock:
            return {method: taken.copy() for method, taken in self._seconds.items()}

    def tracing(self) -> aiohttp.TraceConfig:
        """What makes a client count here."""
        tracing = aiohttp.TraceConfig()
        tracing.on_request_start.append(self._began)
        tracing.on_request_end.append(self._answered)
        tracing.on_request_exception.append(self._failed)
        return tracing

    async def _began(
        self,
        _: aiohttp.ClientSession,
        context: SimpleNamespace,
        __: aiohttp.TraceRequestStartParams,
    ) -> None:
        context.began = time.monotonic()

    async def _answered(
        self,
        _: aiohttp.ClientSession,
        context: SimpleNamespace,
        answer: aiohttp.TraceRequestEndParams,
    ) -> None:
        with self._lock:
            self._requests[answer.method, str(answer.response.status)] += 1
            self._seconds[answer.method].observe(time.monotonic() - context.began)

    async def _failed(
        self,
        _: aiohttp.ClientSession,
        __: SimpleNamespace,
        failure: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        with self._lock:
            self._requests[failure.method, NO_ANSWER] += 1
