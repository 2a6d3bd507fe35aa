"""The chart's values: each one documented, and known to the schema that refuses others."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).parents[3] / "helm" / "distributedjob"
TEXT: Final = (CHART / "values.yaml").read_text()
VALUES: Final = yaml.safe_load(TEXT)
SCHEMA: Final = json.loads((CHART / "values.schema.json").read_text())


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths that a user sets; what Kubernetes defines is one value."""
    for key, value in values.items():
        known = properties((*path, key))
        if isinstance(value, dict) and known:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def properties(path: tuple[str, ...]) -> dict[str, Any] | None:
    """The properties that the schema names at a path, or None where it takes any."""
    schema = SCHEMA
    for key in path:
        schema = resolved(schema).get("properties", {}).get(key, {})
    found = resolved(schema)
    return found.get("properties") if found.get("additionalProperties") is False else None


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return SCHEMA["definitions"][name] if name else schema


def documented() -> set[tuple[str, ...]]:
    """The paths of the keys that a comment ``# --`` stands above."""
    found, path, explained = set(), [], False
    for line in TEXT.splitlines():
        if match := re.match(r"( *)([A-Za-z]+):", line):
            depth = len(match[1]) // 2
            path = [*path[:depth], match[2]]
            if explained:
                found.add(tuple(path))
        if not line.lstrip().startswith("#"):
            explained = False
        elif line.lstrip().startswith("# --"):
            explained = True
    return found


def test_every_value_is_documented() -> None:
    explained = documented()
    silent = [
        ".".join(path)
        for path in leaves(VALUES)
        if not any(path[: end + 1] in explained for end in range(len(path)))
    ]
    assert silent == []


def test_the_schema_knows_every_value_and_no_other() -> None:
    def compare(values: dict[str, Any], path: tuple[str, ...]) -> None:
        known = properties(path)
        if known is None or not values:
            return
        # What a chart above this one may set.
        foreign = set() if path else {"enabled", "global"}
        assert set(values) == set(known) - foreign, ".".join(path)
        for key, value in values.items():
            if isinstance(value, dict):
                compare(value, (*path, key))

    compare(VALUES, ())


def test_the_readme_of_the_chart_names_values_that_there_are() -> None:
    named = re.findall(r"`((?:[a-zA-Z]+\.)*[a-zA-Z]+)`(?=[,) |])", table_of_readme())
    assert "nats.auth.existingSecret" in named
    for path in named:
        found = VALUES
        for key in path.split("."):
            assert key in found, path
            found = found[key]


def table_of_readme() -> str:
    text = (CHART / "README.md").read_text()
    return "\n".join(line.split(" | ")[0] + " |" for line in text.splitlines() if line[:3] == "| `")
