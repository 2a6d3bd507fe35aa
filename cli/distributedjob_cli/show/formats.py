"""What ``-o`` chooses, and objects as JSON, YAML and names."""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from distributedjob_api.constants import GROUP, SINGULAR


class Format(StrEnum):
    """How objects are printed."""

    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class ViewFormat(StrEnum):
    """How what the operator knows is printed."""

    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


Output = Annotated[
    Format | None,
    typer.Option("--output", "-o", help="How to print it.", show_default="a table"),
]
ViewOutput = Annotated[
    ViewFormat | None,
    typer.Option("--output", "-o", help="How to print it.", show_default="for people"),
]


def as_json(document: Any) -> str:
    """JSON as kubectl prints it; what could steer a terminal is escaped by the format."""
    return json.dumps(document, indent=4) + "\n"


def as_yaml(document: Any) -> str:
    """YAML in the order of the document."""
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, width=100))


def as_document(document: Any, how: str) -> str:
    """A document in the format that was asked for, ``json`` or ``yaml``."""
    return as_yaml(document) if how == "yaml" else as_json(document)


def as_object(body: Mapping[str, Any], how: str) -> str:
    """An object, or a list of them, without what kubectl does not show either."""
    for each in (body, *body.get("items", ())):
        each["metadata"].pop("managedFields", None)
    return as_document(body, how)


def full_name(job: str) -> str:
    """``kind.group/name``, as kubectl prints and takes it."""
    return f"{SINGULAR}.{GROUP}/{job}"


def as_names(objects: Iterable[Mapping[str, Any]]) -> str:
    """Their names, one a line."""
    return "".join(f"{full_name(each['metadata']['name'])}\n" for each in objects)
