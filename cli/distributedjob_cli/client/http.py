"""One request to a server, and its refusals in one line."""

import ipaddress
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import requests
from requests.utils import get_environ_proxies

from distributedjob_cli.client.credentials import Tokens
from distributedjob_cli.errors import CliError

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 300.0
MESSAGE_CHARACTERS: Final = 800


API_SERVER: Final = "the API server"
OPERATOR: Final = "the operator"
_SILENT: Final = {
    API_SERVER: "see whether it runs, or choose another cluster with --context",
    OPERATOR: "see whether its pod is ready, or pass another address with --endpoint",
}
"""What to do about who does not answer."""

BUSY: Final = frozenset({429, 500, 502, 503, 504})
"""What a server says that may answer soon, as client-go has them."""


class EndpointError(CliError):
    """A server cannot be reached, or says no; the text is the whole message."""


class Unreachable(EndpointError):
    """Nobody answers, or not now: later it may be different."""


class Bearer(requests.auth.AuthBase):
    """As a session's ``auth`` the token goes before whatever a .netrc says."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into a request."""
        token = self._tokens.current()
        if not (token.isascii() and token.isprintable()):
            raise EndpointError("the token has characters in it that no bearer token has")
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    def renewed(self) -> bool:
        """Whether there is another token than the one that was refused just now."""
        return self._tokens.renewed()


def send(
    session: requests.Session,
    method: str,
    url: str,
    who: str,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    read_seconds: float = READ_SECONDS,
) -> requests.Response:
    """Ask; the body of the answer is read as the caller wants it.

    A bearer token that is refused is had anew once, as client-go does with credential plugins.
    ``who`` is :data:`API_SERVER` or :data:`OPERATOR`.

    Raises:
        Unreachable: nobody answers.
    """
    # What the kubeconfig says of authorities and users is not for the environment to change.
    session.trust_env = False
    local = is_loopback(url)

    def ask() -> requests.Response:
        return session.request(
            method,
            url,
            params=params,
            headers=headers,
            data=None if body is None else json.dumps(body).encode(),
            stream=True,
            allow_redirects=False,
            timeout=(CONNECT_SECONDS, read_seconds),
            proxies={} if local else get_environ_proxies(url),
        )

    try:
        response = ask()
        refused = response.status_code == requests.codes.unauthorized
        if refused and isinstance(session.auth, Bearer) and session.auth.renewed():
            response.close()
            response = ask()
    except (requests.RequestException, OSError, ValueError) as error:
        raise Unreachable(
            f"{who} at {origin(url)} does not answer: {why(error)}; {_SILENT[who]}"
        ) from error
    return response


def why(error: BaseException) -> str:
    """The cause behind the layers of a client library, in a few words."""
    if isinstance(error, requests.Timeout):
        return "it took too long"
    innermost: BaseException | None = error
    while innermost is not None:
        if isinstance(innermost, OSError) and innermost.strerror:
            return innermost.strerror
        innermost = innermost.__cause__ or innermost.__context__
    return str(error)


def said(response: requests.Response) -> str:
    """The refusal in the server's own words, on one line."""
    text = ""
    with suppress(requests.RequestException):  # A refusal that breaks off is one all the same.
        text = response.text.strip()
    with suppress(ValueError, KeyError, TypeError):
        text = str(decoded(text)["message"])  # The API server's Status object.
    words = " ".join(text.split())[:MESSAGE_CHARACTERS]
    return words or f"{response.status_code} {response.reason}"


def decoded(text: bytes | str) -> Any:
    """JSON as a value; raises ``ValueError``."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def content_of(response: requests.Response, otherwise: str) -> Any:
    """The JSON of a whole answer.

    Raises:
        Unreachable: it broke off.
        EndpointError: it is no JSON; the message is ``otherwise``.
    """
    try:
        return decoded(response.content)
    except requests.RequestException as error:
        raise Unreachable(f"the answer broke off: {why(error)}") from error
    except ValueError as error:
        raise EndpointError(otherwise) from error


def keeps_secrets(url: str) -> bool:
    """Whether nobody in between reads what is sent to an URL."""
    return split(url).scheme == "https" or is_loopback(url)


def is_loopback(url: str) -> bool:
    """Whether an URL stays on this machine."""
    host = split(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> str:
    """Whom an URL names, without what is asked; raises :class:`EndpointError`."""
    return "{0.scheme}://{0.netloc}".format(split(url))


def split(url: str) -> SplitResult:
    """The parts of an URL; raises :class:`EndpointError`."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise EndpointError(f"{url!r} is no URL") from error
