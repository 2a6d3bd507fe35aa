"""``djob submit ... -- COMMAND``: a job from the command line."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from distributedjob_cli.commands.following import all_to_the_end, exit_with, place_of, program_of
from distributedjob_cli.errors import CliError, UsageError
from distributedjob_cli.show import formats, terminal
from distributedjob_cli.target import Target, one_of
from distributedjob_cli.times import whole_seconds

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api

EXAMPLES = """Examples:

\b
  djob submit -- echo hello
  djob submit --array 0-999 --progress -- sh -c 'echo $DJOB_INDEX'
  djob submit --each-line files.txt --cpus 2 -- convert '$(DJOB_ITEM)' out.png
  djob submit --from-json points.json --retries 0 -- python3 simulate.py
  djob submit --array 0-9 --dry-run -- ./task.sh > job.yaml
"""


class SubmitFormat(StrEnum):
    """How the job is printed."""

    NAME = "name"
    JSON = "json"
    YAML = "yaml"


def submit(
    ctx: typer.Context,
    target: Target,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- COMMAND [ARG...]",
            help="What every task runs, started without a shell. $(DJOB_INDEX) and"
            " $(DJOB_ITEM) in it are expanded; both are in its environment, too.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="Name of the job.", show_default="made up")
    ] = "",
    array: Annotated[
        str,
        typer.Option("--array", metavar="INDEXES", help="One task for each index: 0-999 or 1,5-7."),
    ] = "",
    each_line: Annotated[
        str,
        typer.Option(
            "--each-line", metavar="FILE", help="One task for each line, as DJOB_ITEM; - is stdin."
        ),
    ] = "",
    from_json: Annotated[
        str,
        typer.Option(
            "--from-json", metavar="FILE", help="One for each element of an array; - is stdin."
        ),
    ] = "",
    cpus: Annotated[
        str, typer.Option("--cpus", help="CPU that a task occupies: 2 or 500m.", show_default="1")
    ] = "",
    memory: Annotated[
        str, typer.Option("--memory", help="Memory that a task occupies: 512Mi.")
    ] = "",
    parallelism: Annotated[
        int | None,
        typer.Option(min=0, help="Most tasks at one time.", show_default="all free CPU"),
    ] = None,
    retries: Annotated[
        int | None,
        typer.Option(min=0, help="How often a failed task is tried again.", show_default="3"),
    ] = None,
    max_failed: Annotated[
        int | None,
        typer.Option(min=0, help="Failed tasks that end the job.", show_default="no limit"),
    ] = None,
    timeout: Annotated[
        str,
        typer.Option(
            "--timeout",
            metavar="TIME",
            help="How long an attempt may take: 90s, 1h30m.",
            show_default="no limit",
        ),
    ] = "",
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="For every task.")
    ] = None,
    working_dir: Annotated[
        str,
        typer.Option("--working-dir", help="Where tasks start.", show_default="one of their own"),
    ] = "",
    priority: Annotated[
        int | None, typer.Option(help="Higher ones go first.", show_default="0")
    ] = None,
    pool: Annotated[
        str, typer.Option("--pool", help="Whose workers run it.", show_default="default")
    ] = "",
    node_selector: Annotated[
        list[str] | None,
        typer.Option("--node-selector", metavar="LABEL=VALUE", help="On which nodes."),
    ] = None,
    ttl: Annotated[
        str,
        typer.Option(
            "--ttl", metavar="TIME", help="From its end to its deletion: 24h.", show_default="kept"
        ),
    ] = "",
    labels: Annotated[
        list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Of the job.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is over.")] = False,
    progress: Annotated[
        bool, typer.Option("--progress", help="The same, and show its progress.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the manifest and create nothing.")
    ] = False,
    output: Annotated[
        SubmitFormat | None,
        typer.Option("--output", "-o", help="How to print the job.", show_default="for people"),
    ] = None,
) -> None:
    """Create a job from a command.

    The command runs once, or once for each index, line or element. With --wait or
    --progress, exit code 0 means that it is Complete, 4 that it Failed or
    was Cancelled.
    """
    from distributedjob_cli.show.manifest import Wish, is_inline, manifest

    items = _items(array, each_line, from_json)
    wish = Wish(
        command=command or (),
        name=name,
        array=array,
        items=items,
        cpus=cpus,
        memory=memory,
        env=env or (),
        labels=labels or (),
        working_dir=working_dir,
        node_selector=node_selector or (),
        timeout=whole_seconds(timeout, "--timeout", 1),
        spec={
            "parallelism": parallelism,
            "backoffLimitPerIndex": retries,
            "maxFailedIndexes": max_failed,
            "ttlSecondsAfterFinished": whole_seconds(ttl, "--ttl", 0),
            "priority": priority,
            "pool": pool,
        },
    )
    document = manifest(wish)
    large = items is not None and not is_inline(items)
    if dry_run:
        if large:
            raise UsageError("so many items need a ConfigMap, which --dry-run does not print")
        terminal.write(_planned(document, output))
        return
    namespace = target.place()
    with target.api() as api:
        made = _create(api, namespace, document, items if large else None)
        _say(made, output)
        if wait or progress:
            code = all_to_the_end(
                api,
                [(namespace, made["metadata"]["name"])],
                float("inf"),
                shown=progress,
                program=program_of(ctx),
                place=place_of(target),
            )
            exit_with(code)


def _planned(document: dict[str, Any], output: SubmitFormat | None) -> str:
    """The manifest of a job that is not created."""
    if output is not SubmitFormat.NAME:
        return formats.as_document(document, output or SubmitFormat.YAML)
    if "name" not in document["metadata"]:
        raise UsageError("the API server makes the name up; give one with --name to print it")
    return formats.as_names([document])


def _items(array: str, each_line: str, from_json: str) -> list[str] | None:
    from distributedjob_cli.show.manifest import elements_of, lines_of

    one_of({"--array": array, "--each-line": each_line, "--from-json": from_json})
    if each_line:
        return lines_of(_read(each_line, "--each-line"))
    return elements_of(_read(from_json, "--from-json")) if from_json else None


def _read(name: str, option: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{option} {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{option} {name}: it is not UTF-8") from error


def _create(
    api: "Api", namespace: str, document: dict[str, Any], items: Sequence[str] | None
) -> dict[str, Any]:
    from distributedjob_cli.client.api import job_path

    if items is None:
        return api.create(job_path(namespace), document)
    from distributedjob_cli.show.manifest import ITEMS_KEY, config_map

    metadata = document["metadata"]
    # The ConfigMap belongs to the job, which must be there first, and waits for it.
    name = _unique(metadata.get("name") or metadata["generateName"])
    reference = {"name": name, "key": ITEMS_KEY}
    spec = {**document["spec"], "itemsFrom": {"configMapKeyRef": reference}}
    made = api.create(job_path(namespace), {**document, "spec": spec})
    with _undone(api, job_path(namespace, made["metadata"]["name"])):
        place = f"/api/v1/namespaces/{quote(namespace, safe='')}/configmaps"
        api.create(place, config_map(name, items, made))
    return made


def _unique(job: str) -> str:
    import secrets

    return f"{job.removesuffix('-')}-items-{secrets.token_hex(4)}"


@contextmanager
def _undone(api: "Api", path: str) -> Iterator[None]:
    """Leave no job behind whose items could not be stored."""
    try:
        yield
    except CliError:
        api.delete(path)
        raise


def _say(made: dict[str, Any], output: SubmitFormat | None) -> None:
    if output is None:
        terminal.write(f"{formats.full_name(made['metadata']['name'])} created\n")
    elif output is SubmitFormat.NAME:
        terminal.write(formats.as_names([made]))
    else:
        terminal.write(formats.as_object(made, output))
