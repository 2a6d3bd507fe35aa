"""A DistributedJob made of what a command line says."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

from distributedjob_api.constants import API_VERSION, KIND, MAX_COMPLETIONS
from distributedjob_api.indexes import BitMap, IndexTextError, format_indexes, parse_indexes
from distributedjob_cli.errors import UsageError

INLINE_CHARACTERS: Final = 100 * 1024
INLINE_ITEMS: Final = 20_000
CONFIG_MAP_BYTES: Final = 1_000_000
"""A ConfigMap may hold 1 MiB in all."""

ITEM_CHARACTERS: Final = 4096
ITEMS_KEY: Final = "items"
_PLAIN: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for; empty and None is what the API server fills in."""

    command: Sequence[str]
    name: str = ""
    array: str = ""
    items: Sequence[str] | None = None
    cpus: str = ""
    memory: str = ""
    env: Sequence[str] = ()
    labels: Sequence[str] = ()
    working_dir: str = ""
    node_selector: Sequence[str] = ()
    timeout: int | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)
    """Fields of ``spec`` that stand there as they were given; None is left out."""


def manifest(wish: Wish) -> dict[str, Any]:
    """The object to create; a large list of items is not in it.

    Raises:
        UsageError: the wish makes no sense.
    """
    if not wish.command:
        raise UsageError("there is no command; write it behind --, such as: -- echo hello")
    requests = {"cpu": wish.cpus, "memory": wish.memory}
    template = {
        "command": list(wish.command),
        "env": [{"name": k, "value": v} for k, v in pairs(wish.env, "--env").items()],
        "workingDir": wish.working_dir,
        "timeoutSeconds": wish.timeout,
        "resources": _filled({"requests": _filled(requests)}),
    }
    spec = {
        **_tasks(wish),
        **wish.spec,
        "nodeSelector": pairs(wish.node_selector, "--node-selector"),
        "template": _filled(template),
    }
    named = {"name": wish.name} if wish.name else {"generateName": f"{base_name(wish.command[0])}-"}
    metadata = {**named, "labels": pairs(wish.labels, "--label")}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": _filled(metadata),
        "spec": _filled(spec),
    }


def _tasks(wish: Wish) -> dict[str, Any]:
    if wish.items is not None:
        check(wish.items)
        return {"items": list(wish.items)} if is_inline(wish.items) else {}
    if not wish.array:
        return {"completions": 1}
    try:
        indexes = parse_indexes(wish.array, MAX_COMPLETIONS)
    except IndexTextError as error:
        raise UsageError(f"--array: {error}") from error
    if not indexes:
        raise UsageError("--array names no index; write something like 0-999")
    completions = indexes.max() + 1
    if indexes == BitMap(range(completions)):
        return {"completions": completions}
    return {"completions": completions, "indexes": format_indexes(indexes)[0]}


def check(items: Sequence[str]) -> None:
    """Refuse items that no job can have; raises :class:`UsageError`."""
    if not items:
        raise UsageError("there are no items: the file is empty")
    for number, item in enumerate(items, start=1):
        if len(item) > ITEM_CHARACTERS:
            raise UsageError(
                f"item {number} has {len(item):,} characters, {ITEM_CHARACTERS:,} are the most;"
                " put what is longer into a file that every node has, and its name here"
            )
        if not _PLAIN.fullmatch(item):
            raise UsageError(f"item {number} holds a control character other than tab; remove it")
    if len(items) > MAX_COMPLETIONS:
        raise UsageError(f"{len(items):,} items, {MAX_COMPLETIONS:,} are the most; split the job")
    size = sum(len(item.encode("utf-8")) + 1 for item in items)
    if not is_inline(items) and size > CONFIG_MAP_BYTES:
        raise UsageError(
            f"the items have {size:,} bytes, {CONFIG_MAP_BYTES:,} are the most; put them into a"
            " file that every node has, use --array, and read line $DJOB_INDEX of it"
        )


def is_inline(items: Sequence[str]) -> bool:
    """Whether they may stand in the job itself; else they need a ConfigMap."""
    return len(items) <= INLINE_ITEMS and sum(map(len, items)) <= INLINE_CHARACTERS


def config_map(name: str, items: Sequence[str], owner: Mapping[str, Any]) -> dict[str, Any]:
    """The ConfigMap of a job's items, deleted with it."""
    metadata = owner["metadata"]
    reference = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "ownerReferences": [reference]},
        "data": {ITEMS_KEY: "".join(f"{item}\n" for item in items)},
    }


def lines_of(text: str) -> list[str]:
    """One item a line; line feeds alone part them, as in a ConfigMap."""
    found = [line.removesuffix("\r") for line in text.split("\n")]
    if found and not found[-1]:
        found.pop()
    return found


def elements_of(text: str) -> list[str]:
    """The elements of a JSON array: strings as they are, others as JSON on one line."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--from-json: no JSON: {error}") from error
    if not isinstance(document, list):
        raise UsageError("--from-json: write an array, such as [1, 2] or [{...}, {...}]")
    return [
        each if isinstance(each, str) else json.dumps(each, ensure_ascii=False, sort_keys=False)
        for each in document
    ]


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """``name=value`` of an option that may stand several times."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"{option} {text!r}: write name=value")
        found[name] = value
    return found


def base_name(program: str) -> str:
    """The beginning of a generated name: the program's, as far as a name may have it."""
    name = re.sub(r"[^a-z0-9]+", "-", PurePath(program).stem.lower()).strip("-")
    return name[:40] or "job"


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, "", {}, [])}
