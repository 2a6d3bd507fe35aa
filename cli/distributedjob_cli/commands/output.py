"""``djob output JOB``: what a job's tasks wrote, in index order."""

import os
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO
from urllib.parse import urlsplit

import typer

BROKEN_PIPE = 141
"""As a shell shows a program that SIGPIPE ended."""

MISSING = 3
"""Everything kept was printed, but not every task with an outcome has a record."""


class Stream(StrEnum):
    """One of the two things a task writes to."""

    STDOUT = "stdout"
    STDERR = "stderr"


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


def output(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="Name of a DistributedJob.")],
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Its namespace.", show_default="the context's")
    ] = "",
    stream: Annotated[Stream, typer.Option(help="Which of the two.")] = Stream.STDOUT,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="A kubeconfig file.", show_default="as kubectl")
    ] = None,
    context_name: Annotated[
        str, typer.Option("--context", help="A context of it.", show_default="the current one")
    ] = "",
    token: Annotated[
        str,
        typer.Option(
            envvar="DJOB_TOKEN", help="A bearer token.", show_default="the kubeconfig user's"
        ),
    ] = "",
    endpoint: Annotated[
        str,
        typer.Option(
            envvar="DJOB_ENDPOINT",
            callback=parse_endpoint,
            help="The operator's address.",
            show_default="what its Lease says",
        ),
    ] = "",
    lease: Annotated[
        str, typer.Option(metavar="NAMESPACE/NAME", help="The operator's Lease.")
    ] = "djob-system/distributedjob",
) -> None:
    """Print what a job's tasks wrote, in index order.

    Exit code 3 means that the output is not whole: the journal has no record of some tasks
    that ended, as when they were lost with their worker or are older than it reaches back.
    """
    from distributedjob_cli.commands.endpoint import (
        EndpointError,
        MissingOutput,
        find_endpoint,
        read_output,
    )
    from distributedjob_cli.commands.kubeconfig import Kubeconfig, KubeconfigError, read_kubeconfig

    if "/" in job:
        raise typer.BadParameter(f"{job!r}: write the name alone, and its namespace with -n")
    place = parse_lease(lease)
    try:
        # Whoever says all of it on the command line needs no kubeconfig.
        config = (
            Kubeconfig({}, {}) if token and endpoint else read_kubeconfig(kubeconfig, context_name)
        )
        token = token.strip() or config.token()
        endpoint = endpoint or find_endpoint(config.cluster, token, place)
        content = read_output(endpoint, token, (namespace or config.namespace, job), stream.value)
        copy(content, sys.stdout.buffer)
    except (EndpointError, KubeconfigError) as error:
        print(f"{context.find_root().info_name}: {error}", file=sys.stderr)
        raise typer.Exit(MISSING if isinstance(error, MissingOutput) else 1) from None


def copy(pieces: Iterable[bytes], target: BinaryIO) -> None:
    """Write every piece as it comes; end quietly when nobody reads any more."""
    try:
        for piece in pieces:
            target.write(piece)
            target.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), target.fileno())
        raise typer.Exit(BROKEN_PIPE) from None
