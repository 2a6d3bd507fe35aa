"""The options that say which cluster, namespace and operator: the same for every verb."""

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from distributedjob_cli.errors import CliError, UsageError

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api
    from distributedjob_cli.client.credentials import Tokens
    from distributedjob_cli.client.endpoint import Operator
    from distributedjob_cli.client.kubeconfig import Kubeconfig

KINDS = frozenset(
    {"djob", "distributedjob", "distributedjobs", "distributedjob.distributedjob.dev"}
)
"""What may stand before a job's name, as ``kubectl`` prints it."""

COMPLETE_SECONDS: Final = 1.0
"""Whoever pressed the tab key waits no longer for names."""


def parse_lease(text: str) -> tuple[str, str]:
    """``namespace/name`` as a pair; anything else is a usage error."""
    namespace, _, name = text.partition("/")
    if not (namespace and name) or "/" in name:
        raise typer.BadParameter(
            f"{text!r}: write namespace/name, such as djob-system/distributedjob",
            param_hint="--lease",
        )
    return namespace, name


def parse_endpoint(text: str) -> str:
    """A base URL as it is; anything else is a usage error."""
    if text and not _is_base_url(text):
        raise typer.BadParameter(f"{text!r}: write an URL, such as http://127.0.0.1:8080")
    return text


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # Brackets that hold no address, or a port that is none.
        return False


def parse_job(text: str) -> str:
    """A job's name, with or without its kind before it."""
    kind, slash, name = text.partition("/")
    if slash and kind.lower() in KINDS and name and "/" not in name:
        return name
    if slash:
        raise typer.BadParameter(f"{text!r}: write the name alone, and its namespace with -n")
    return text


def complete_job(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the jobs that begin so, for a shell; none where nobody answers soon."""
    known = {field.name for field in fields(Target)}
    target = Target(**{key: value for key, value in ctx.params.items() if key in known and value})
    names: list[str] = []

    def ask() -> None:
        with suppress(CliError, typer.TyperException, LookupError), target.api() as api:
            rows = api.table(target.place(), {}).get("rows") or ()
            names.extend(row["object"]["metadata"]["name"] for row in rows)

    # A name that cannot be resolved or a credential plugin would hold up this thread.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(COMPLETE_SECONDS)
    return [name for name in [*names] if name.startswith(incomplete)]


Job = Annotated[
    str,
    typer.Argument(
        metavar="JOB",
        callback=parse_job,
        autocompletion=complete_job,
        help="Name of a DistributedJob.",
        show_default=False,
    ),
]

Jobs = Annotated[
    list[str],
    typer.Argument(
        metavar="JOB...",
        callback=lambda names: [parse_job(name) for name in names],
        autocompletion=complete_job,
        help="Names of DistributedJobs.",
        show_default=False,
    ),
]

Index = Annotated[
    int | None,
    typer.Argument(metavar="INDEX", min=0, help="One of its tasks.", show_default=False),
]

_OPTIONS: dict[str, Any] = {
    "namespace": Annotated[
        str,
        typer.Option("--namespace", "-n", help="The namespace.", show_default="the context's"),
    ],
    "kubeconfig": Annotated[
        Path | None, typer.Option(help="A kubeconfig file.", show_default="as kubectl")
    ],
    "context": Annotated[
        str, typer.Option("--context", help="A context of it.", show_default="the current one")
    ],
    "token": Annotated[
        str,
        typer.Option(
            envvar="DJOB_TOKEN", help="A bearer token.", show_default="the kubeconfig user's"
        ),
    ],
    "endpoint": Annotated[
        str,
        typer.Option(
            envvar="DJOB_ENDPOINT",
            callback=parse_endpoint,
            help="The operator's address.",
            show_default="what its Lease says",
        ),
    ],
    "lease": Annotated[str, typer.Option(metavar="NAMESPACE/NAME", help="The operator's Lease.")],
}


@dataclass(frozen=True, slots=True)
class Target:
    """Which cluster, namespace and operator a command line means."""

    namespace: str = ""
    kubeconfig: Path | None = None
    context: str = ""
    token: str = ""
    endpoint: str = ""
    lease: str = "djob-system/distributedjob"

    def config(self) -> "Kubeconfig":
        """The cluster and the user; whoever says all of it on the command line needs none."""
        from distributedjob_cli.client.kubeconfig import Kubeconfig, read_kubeconfig

        if self.token and self.endpoint and not self.kubeconfig and not self.context:
            return Kubeconfig({}, {})
        return read_kubeconfig(self.kubeconfig, self.context)

    def place(self) -> str:
        """The namespace."""
        return self.namespace or self.config().namespace

    def job(self, name: str) -> tuple[str, str]:
        """A job of the namespace."""
        return self.place(), name

    @contextmanager
    def api(self) -> "Iterator[Api]":
        """The API server, with the token that was given, else as the kubeconfig's user."""
        from distributedjob_cli.client.api import connect
        from distributedjob_cli.client.kubeconfig import read_kubeconfig

        with connect(read_kubeconfig(self.kubeconfig, self.context), self._given()) as api:
            yield api

    @contextmanager
    def operator(self) -> "Iterator[Operator]":
        """The operator's endpoint, with the user's token."""
        from distributedjob_cli.client.credentials import Tokens
        from distributedjob_cli.client.endpoint import Operator
        from distributedjob_cli.client.route import Fixed, found

        place = parse_lease(self.lease)
        config = self.config()
        given = self._given()
        tokens = given or Tokens(config.credential)
        tokens.current()  # Who has none is told before anybody is asked.
        if self.endpoint:
            yield Operator(Fixed(self.endpoint), tokens)
            return
        with found(config, given, place, self._options()) as route:
            yield Operator(route, tokens)

    def _given(self) -> "Tokens | None":
        from distributedjob_cli.client.credentials import fixed

        token = self.token.strip()
        return fixed(token) if token else None

    def _options(self) -> list[str]:
        """What tells kubectl of the same cluster and user."""
        options = [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig else []
        return options + ([f"--context={self.context}"] if self.context else [])


def targeted(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb that has a ``target`` the options of one."""
    signature = inspect.signature(verb)
    own = [each for name, each in signature.parameters.items() if name != "target"]
    defaults = {field.name: field.default for field in fields(Target)}
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=hint, default=defaults[name]
        )
        for name, hint in _OPTIONS.items()
    ]

    @functools.wraps(verb)
    def command(**arguments: Any) -> Any:
        target = Target(**{name: arguments.pop(name) for name in _OPTIONS})
        return verb(target=target, **arguments)

    keyword = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    command.__signature__ = signature.replace(parameters=[*keyword, *added])  # type: ignore[attr-defined]
    return command


def one_of(chosen: dict[str, object]) -> str:
    """The name of the one option that was used, or an empty one; two are a usage error."""
    used = [name for name, value in chosen.items() if value]
    if len(used) > 1:
        raise UsageError(f"{used[0]} and {used[1]} exclude each other; use one of them")
    return used[0] if used else ""
