"""What a watch of the API server showed, with the moment of each change."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import requests
from pykube.http import HTTPClient

JOBS: Final = "/apis/distributedjob.dev/v1alpha1/distributedjobs"
LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/djob-system/leases"
SILENCE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Change:
    """One version of an object, as it was seen."""

    moment: float
    kind: str
    body: dict[str, Any]
    bytes: int

    @property
    def uid(self) -> str:
        """Which object, and no later one of its name."""
        return str(self.body["metadata"]["uid"])

    @property
    def status(self) -> dict[str, Any]:
        """Its status; empty before one was written."""
        return dict(self.body.get("status") or {})

    @property
    def outcomes(self) -> int:
        """How many tasks have one."""
        return int(self.status.get("succeeded", 0)) + int(self.status.get("failed", 0))


class History:
    """A thread that watches one list for ever and forgets nothing until told to."""

    def __init__(self, client: HTTPClient, path: str) -> None:
        self._url, self._path = client.url, path
        self._headers = {"Authorization": f"Bearer {client.config.user['token']}"}
        self._verify = client.config.cluster["certificate-authority"].filename()
        self._changed = threading.Condition()
        self._changes: list[Change] = []
        self._versions: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch_for_ever, daemon=True, name=path)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watching."""
        self._stop.set()
        self._thread.join(SILENCE_SECONDS * 2)

    def changes(self, since: float = 0.0) -> list[Change]:
        """What was seen from a moment on."""
        with self._changed:
            return [one for one in self._changes if one.moment >= since]

    def forget(self, uid: str) -> None:
        """Drop what was seen of an object."""
        with self._changed:
            self._changes = [one for one in self._changes if one.uid != uid]

    def wait(
        self, accept: Callable[[Change], bool], seconds: float, *, since: float = 0.0
    ) -> Change | None:
        """The first change that is accepted, from a moment on; None where the time is over."""
        deadline = time.monotonic() + seconds
        position = 0
        with self._changed:
            while True:
                for one in self._changes[position:]:
                    if one.moment >= since and accept(one):
                        return one
                position = len(self._changes)
                if not self._changed.wait(deadline - time.monotonic()):
                    return None

    def _watch_for_ever(self) -> None:
        while not self._stop.is_set():
            try:
                with requests.Session() as session:
                    session.trust_env = False
                    session.verify = self._verify
                    session.headers.update(self._headers)
                    self._watch(session, self._list(session))
            except (requests.RequestException, ValueError, KeyError):
                self._stop.wait(0.2)

    def _list(self, session: requests.Session) -> str:
        answer = session.get(self._url + self._path, timeout=SILENCE_SECONDS)
        answer.raise_for_status()
        document = answer.json()
        for body in document["items"]:
            self._note("LISTED", body)
        return str(document["metadata"]["resourceVersion"])

    def _watch(self, session: requests.Session, version: str) -> None:
        wanted = {"watch": "true", "resourceVersion": version}
        # Short, so that a watch that the network swallowed is noticed.
        wanted["timeoutSeconds"] = str(int(SILENCE_SECONDS * 4))
        timeout = (SILENCE_SECONDS, SILENCE_SECONDS * 5)
        answer = session.get(self._url + self._path, params=wanted, stream=True, timeout=timeout)
        answer.raise_for_status()
        for line in answer.iter_lines(chunk_size=None):
            if self._stop.is_set():
                return
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            self._note(event["type"], event["object"])

    def _note(self, kind: str, body: dict[str, Any]) -> None:
        uid, version = body["metadata"]["uid"], body["metadata"]["resourceVersion"]
        with self._changed:
            if kind != "DELETED" and self._versions.get(uid) == version:
                return
            self._versions[uid] = version
            moment, size = time.monotonic(), len(json.dumps(body, separators=(",", ":")))
            self._changes.append(Change(moment, kind, body, size))
            self._changed.notify_all()
