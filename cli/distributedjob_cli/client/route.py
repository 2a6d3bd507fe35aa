"""The operator's address for the length of a command, found anew when the leader changes."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from distributedjob_cli.client.api import connect
from distributedjob_cli.client.credentials import Tokens
from distributedjob_cli.client.forward import Tunnel, open_tunnel, written
from distributedjob_cli.client.kubeconfig import Kubeconfig
from distributedjob_cli.client.lease import Lease, read_lease
from distributedjob_cli.client.way import Direct, Forward, no_kubectl, way_to


class Route(Protocol):
    """Where to ask."""

    def url(self) -> str:
        """The operator's address; raises :class:`EndpointError` where there is none."""

    def lost(self) -> bool:
        """Forget it, since nobody answers there; whether there may be another one."""


class Fixed:
    """The address that the user gave."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self) -> str:
        """That one."""
        return self._url

    def lost(self) -> bool:
        """There is no other."""
        return False


class Found:
    """The address of whoever holds the Lease."""

    def __init__(
        self, read: Callable[[], Lease], forward: Callable[[Lease, Forward], Tunnel]
    ) -> None:
        self._read, self._forward = read, forward
        self._known = ""
        self._tunnel: Tunnel | None = None

    def url(self) -> str:
        """The one that is known, unless its tunnel has ended; else what the Lease says now."""
        if self._tunnel is not None and not self._tunnel.open:
            self.lost()
        if not self._known:
            lease = self._read()
            way = way_to(lease)
            if isinstance(way, Direct):
                self._known = way.url
            else:
                self._tunnel = self._forward(lease, way)
                self._known = self._tunnel.url
        return self._known

    def lost(self) -> bool:
        """The Lease is read again for the next request."""
        self.close()
        return True

    def close(self) -> None:
        """End what was opened for it."""
        self._known = ""
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None


@contextmanager
def found(
    config: Kubeconfig, given: Tokens | None, place: tuple[str, str], options: Sequence[str]
) -> Iterator[Found]:
    """The address that a Lease names, and the ends of what is opened to get there.

    Args:
        config: the cluster and the user.
        given: a token that stands in for the user's own.
        place: namespace and name of the Lease.
        options: how kubectl is told of the same cluster and user.
    """
    with connect(config, given) as api, ExitStack() as opened:

        def forward(lease: Lease, way: Forward) -> Tunnel:
            program = shutil.which("kubectl")
            if program is None:
                raise no_kubectl(lease)
            told = list(options)
            # A certificate would decide anyway, with kubectl as with us.
            if given is not None and not config.has_certificate:
                file = opened.enter_context(written(config.cluster, given.current()))
                told = [f"--kubeconfig={file}"]
            return open_tunnel([program, *told], way)

        route = Found(lambda: read_lease(api, place), forward)
        opened.callback(route.close)
        yield route
