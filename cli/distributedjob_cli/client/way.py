"""How to get to the leader that a Lease names: decided from what the Lease says."""

from dataclasses import dataclass

from distributedjob_cli.client.http import EndpointError, Unreachable, keeps_secrets, split
from distributedjob_cli.client.lease import INSTEAD, Lease

RIGHTS = "get pods and create, get pods/portforward"


@dataclass(frozen=True, slots=True)
class Direct:
    """The address is good from here."""

    url: str


@dataclass(frozen=True, slots=True)
class Forward:
    """The address is good in the cluster alone: a port of the leader's pod is forwarded."""

    namespace: str
    pod: str
    port: int


def way_to(lease: Lease) -> Direct | Forward:
    """The way; a token goes over it unencrypted on this machine alone.

    Raises:
        Unreachable: nobody leads at this moment.
        EndpointError: the Lease names no address, or one that no token may be sent to.
    """
    if not lease.endpoint:
        raise EndpointError(f"{lease} names no endpoint; {INSTEAD}")
    if keeps_secrets(lease.endpoint):
        return Direct(lease.endpoint)
    namespace = namespace_of(lease.endpoint)
    if not namespace:
        raise EndpointError(
            f"will not send a token unencrypted to {lease.endpoint}, which {lease} names;"
            " forward a port to it and pass --endpoint http://127.0.0.1:PORT"
        )
    if not lease.holder:
        raise Unreachable(f"nobody holds {lease}: see whether the operator's pods are ready")
    return Forward(namespace, pod_of(lease.holder), split(lease.endpoint).port or 80)


def namespace_of(url: str) -> str:
    """The namespace of the Service that an URL names, as the cluster's own DNS has it.

    Empty where it names none: ``<service>.<namespace>.svc``, with a cluster domain or without.
    """
    labels = (split(url).hostname or "").split(".")
    return labels[1] if len(labels) >= 3 and labels[2] == "svc" else ""


def pod_of(holder: str) -> str:
    """The pod of a holder, which is ``<pod>_<incarnation>``."""
    return holder.rpartition("_")[0] or holder


def refused(way: Forward, words: str) -> EndpointError:
    """What is to be done where a port-forward failed, from what kubectl said of it."""
    to = f"pod {way.namespace}/{way.pod}, which leads"
    if "forbidden" in words.lower():
        return EndpointError(
            f"may not forward a port to {to}: {words}; that needs a Role with {RIGHTS} in"
            f" namespace {way.namespace} (docs/install.md has it), or an address from --endpoint"
        )
    return Unreachable(f"cannot forward a port to {to}: {words}")


def no_kubectl(lease: Lease) -> EndpointError:
    """There is nothing that could forward a port."""
    return EndpointError(
        f"{lease} names {lease.endpoint}, which is an address of the cluster's own, and there is"
        " no kubectl in PATH to forward a port; install it, or pass an address with --endpoint"
    )
