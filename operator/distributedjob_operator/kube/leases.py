"""The one Lease, kept in etcd by the API server."""

import asyncio
import logging
import math
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import aiohttp
from kubernetes.aio import client

from distributedjob_api.constants import ENDPOINT_ANNOTATION, GROUP
from distributedjob_operator.core.election import LeaseRecord
from distributedjob_operator.kube.client import REQUEST_SECONDS, in_our_words
from distributedjob_operator.ports import Clock, Conflict, Denied, NotFound, Unavailable

_log = logging.getLogger(__name__)

_FLOOR = f"{GROUP}/epoch-floor"
WATCH_SECONDS: Final = 300
FLOOR_LIMIT: Final = 2**62
"""No epoch ever gets here: a floor this high was not left by us."""


class Leases:
    """:class:`~distributedjob_operator.ports.LeaseStore` on the API server."""

    def __init__(
        self, api: client.ApiClient, namespace: str, name: str, clock: Clock, endpoint: str
    ) -> None:
        self._coordination = client.CoordinationV1Api(api)
        self._namespace, self._name = namespace, name
        self._clock = clock
        self._endpoint = endpoint
        self._none = f"there is no Lease {namespace}/{name}"
        self._last: client.V1Lease | None = None
        self._changes: aiohttp.ClientResponse | None = None

    async def read_lease(self) -> LeaseRecord | None:
        """The record, or None where there is no Lease."""
        try:
            async with in_our_words():
                self._last = await self._coordination.read_namespaced_lease(
                    self._name, self._namespace, _request_timeout=REQUEST_SECONDS
                )
        except NotFound:
            self._last = None
            return None
        return _record(self._last)

    async def probe(self) -> None:
        """Ask for the Lease and forget the answer; raises :class:`Unavailable`."""
        try:
            async with in_our_words():
                await self._coordination.read_namespaced_lease(
                    self._name, self._namespace, _request_timeout=REQUEST_SECONDS
                )
        except NotFound as error:
            raise Unavailable(self._none) from error

    async def lease_changed(self, version: str) -> None:
        """Watch the Lease until it changes, so that a hand-over takes milliseconds.

        One watch serves many calls: the client's own class makes a TLS context for each.
        """
        async with in_our_words():
            if self._changes is None:
                self._changes = await self._watch(version)
            changes = self._changes
            ended = True
            try:
                ended = not await changes.content.readline()
            except asyncio.CancelledError:
                ended = False
                raise
            finally:
                if ended:
                    self._changes = None
                    changes.close()

    async def _watch(self, version: str) -> aiohttp.ClientResponse:
        answer: aiohttp.ClientResponse
        answer = await self._coordination.list_namespaced_lease_without_preload_content(
            self._namespace,
            field_selector=f"metadata.name={self._name}",
            resource_version=version,
            timeout_seconds=WATCH_SECONDS,
            watch=True,
            _request_timeout=WATCH_SECONDS + REQUEST_SECONDS,
        )
        if answer.status != HTTPStatus.OK:
            answer.close()
            raise client.ApiException(status=answer.status, reason=answer.reason)
        return answer

    async def create_lease(self, record: LeaseRecord) -> LeaseRecord:
        """Create it."""
        lease = self._lease(record, None, acquired=True)
        try:
            async with in_our_words():
                self._last = await self._coordination.create_namespaced_lease(
                    self._namespace, lease, _request_timeout=REQUEST_SECONDS
                )
        except Denied as error:
            raise Denied(
                f"{self._none}, and none may be made ({error}); helm upgrade makes it"
            ) from error
        except NotFound as error:
            raise Unavailable(
                f"there is no namespace {self._namespace}: create it, or set DJOB_LEASE_NAMESPACE"
            ) from error
        return _record(self._last)

    async def replace_lease(self, record: LeaseRecord, *, acquired: bool) -> LeaseRecord:
        """Replace the version that ``record`` names."""
        lease = self._lease(record, self._last, acquired=acquired)
        try:
            async with in_our_words():
                self._last = await self._coordination.replace_namespaced_lease(
                    self._name, self._namespace, lease, _request_timeout=REQUEST_SECONDS
                )
        except NotFound as error:
            raise Conflict("the Lease is gone") from error
        return _record(self._last)

    def _lease(
        self, record: LeaseRecord, before: client.V1Lease | None, *, acquired: bool
    ) -> client.V1Lease:
        now = _stamp(self._clock.now().wall)
        metadata, spec = _parts(before)
        annotations = dict(metadata.annotations or {})
        if self._endpoint and record.holder:
            annotations[ENDPOINT_ANNOTATION] = self._endpoint
        if record.floor:
            annotations[_FLOOR] = str(record.floor)
        acquire_time = now if acquired or spec.acquire_time is None else spec.acquire_time
        return client.V1Lease(
            api_version="coordination.k8s.io/v1",
            kind="Lease",
            metadata=client.V1ObjectMeta(
                name=self._name,
                namespace=self._namespace,
                resource_version=record.version or None,
                labels=metadata.labels,
                annotations=annotations or None,
            ),
            spec=client.V1LeaseSpec(
                holder_identity=record.holder or None,
                lease_duration_seconds=max(1, math.ceil(record.duration_seconds)),
                lease_transitions=record.transitions,
                acquire_time=acquire_time,
                renew_time=now,
            ),
        )


def _parts(lease: client.V1Lease | None) -> tuple[client.V1ObjectMeta, client.V1LeaseSpec]:
    """Metadata and spec, empty where there are none."""
    metadata = lease.metadata if lease else None
    spec = lease.spec if lease else None
    return metadata or client.V1ObjectMeta(), spec or client.V1LeaseSpec()


def _stamp(moment: datetime) -> datetime:
    """A MicroTime needs its six digits, which are left out when they are all zero."""
    return moment if moment.microsecond else moment.replace(microsecond=1)


def _record(lease: client.V1Lease) -> LeaseRecord:
    metadata, spec = _parts(lease)
    return LeaseRecord(
        holder=spec.holder_identity or "",
        duration_seconds=float(spec.lease_duration_seconds or 0),
        transitions=spec.lease_transitions or 0,
        version=metadata.resource_version or "0",
        floor=_floor((metadata.annotations or {}).get(_FLOOR, "0")),
    )


@lru_cache(maxsize=16)
def _floor(text: str) -> int:
    """The stored floor; cached, so that one that makes no sense is logged once."""
    if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < FLOOR_LIMIT:
        return int(text)
    _log.warning("the Lease's annotation %s makes no sense and is ignored: %.40r", _FLOOR, text)
    return 0
