"""Kubernetes Events (events.k8s.io/v1) about jobs."""

import uuid

from kubernetes.aio import client

from distributedjob_api import constants
from distributedjob_operator.kube.client import REQUEST_SECONDS, in_our_words
from distributedjob_operator.ports import Clock

_CONTROLLER = f"{constants.GROUP}/operator"
_NOTE_BYTES = 1024


class Events:
    """:class:`~distributedjob_operator.ports.EventSink` on the API server."""

    def __init__(self, api: client.ApiClient, identity: str, clock: Clock) -> None:
        self._events = client.EventsV1Api(api)
        self._identity = identity
        self._clock = clock

    async def emit(
        self, namespace: str, name: str, uid: str, reason: str, note: str, *, warning: bool
    ) -> None:
        """Emit one about a job."""
        moment = self._clock.now().wall
        event = client.EventsV1Event(
            metadata=client.V1ObjectMeta(
                # As client-go names them: the object and something unique.
                name=f"{name[:200]}.{uuid.uuid4().hex[:16]}",
                namespace=namespace,
            ),
            # A MicroTime needs its six digits, which are left out when they are all zero.
            event_time=moment.replace(microsecond=moment.microsecond or 1),
            reporting_controller=_CONTROLLER,
            reporting_instance=self._identity[:128],
            action=reason,
            reason=reason,
            note=note.encode()[:_NOTE_BYTES].decode(errors="ignore"),
            type="Warning" if warning else "Normal",
            regarding=client.V1ObjectReference(
                api_version=constants.API_VERSION,
                kind=constants.KIND,
                namespace=namespace,
                name=name,
                uid=uid,
            ),
        )
        async with in_our_words():
            await self._events.create_namespaced_event(
                namespace, event, _request_timeout=REQUEST_SECONDS
            )
