"""One API client, and its errors in our words."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
from kubernetes.aio import client, config

from distributedjob_operator.errors import OperatorError
from distributedjob_operator.kube.traffic import ApiTraffic
from distributedjob_operator.ports import Conflict, Denied, Expired, NotFound, Unavailable

REQUEST_SECONDS = 3.0
"""No request may outlast the renew deadline of the Lease."""

DENIED = (401, 403)
EXPIRED = 410
LONGEST_MESSAGE = 500

_IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


async def connect(
    dated: Callable[[datetime], None] = lambda _: None, traffic: ApiTraffic | None = None
) -> client.ApiClient:
    """A client from ``KUBECONFIG``, the service account, or ``~/.kube/config``.

    Args:
        dated: hears the Date of every answer, which tells the API server's clock.
        traffic: where requests are counted.

    Raises:
        OperatorError: there is no way to any API server.
    """
    configuration = client.Configuration()
    configuration.retries = False
    configuration.trace_configs = [_listening_for_dates(dated)]
    if traffic is not None:
        configuration.trace_configs.append(traffic.tracing())
    kubeconfig = os.environ.get("KUBECONFIG") or None
    try:
        if _IN_CLUSTER.exists() and kubeconfig is None:
            config.load_incluster_config(client_configuration=configuration)
        else:
            # The client's own default was fixed when it was imported.
            await config.load_kube_config(
                config_file=kubeconfig, client_configuration=configuration
            )
        return client.ApiClient(configuration)
    except Exception as error:
        # Whatever a file that is no kubeconfig makes the loader raise.
        reason = " ".join(f"{type(error).__name__} {error}".split())
        raise OperatorError(
            f"no way to the API server: {reason}; set KUBECONFIG to a kubeconfig file"
            f" (now {kubeconfig or 'not set'})"
        ) from error


def _listening_for_dates(dated: Callable[[datetime], None]) -> aiohttp.TraceConfig:
    async def on_answer(
        session: aiohttp.ClientSession, context: object, answer: aiohttp.TraceRequestEndParams
    ) -> None:
        with suppress(KeyError, TypeError, ValueError):  # no Date, or none that makes sense
            dated(parsedate_to_datetime(answer.response.headers["Date"]))

    listening = aiohttp.TraceConfig()
    listening.on_request_end.append(on_answer)
    return listening


def _message(body: object) -> str:
    """What a Status says; of anything else, what it begins with."""
    text = str(body or "")
    with suppress(ValueError, TypeError, KeyError):  # a proxy answers in its own way
        text = str(json.loads(text)["message"])
    return " ".join(text.split())[:LONGEST_MESSAGE]


@asynccontextmanager
async def in_our_words() -> AsyncIterator[None]:
    """Translate the client's errors into those of ``ports``."""
    try:
        yield
    except client.ApiException as error:
        if error.status == 404:
            raise NotFound(str(error.reason)) from error
        if error.status == 409:
            raise Conflict(str(error.reason)) from error
        said = f"HTTP {error.status} {error.reason}: {_message(error.body)}".removesuffix(": ")
        if error.status == EXPIRED:
            raise Expired(said) from error
        raise (Denied if error.status in DENIED else Unavailable)(said) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"{type(error).__name__} {error}".strip()) from error
