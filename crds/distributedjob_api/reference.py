"""``docs/job-api.md``, made from the models: what each field takes and what it mirrors.

A field that says nothing about changes after creation, or says two things, is refused
here, so that the page cannot fall behind.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from distributedjob_api import reference_text
from distributedjob_api.rules import JOB_FIELD, ON_CHANGE, VALIDATIONS
from distributedjob_api.schema import annotated_schema
from distributedjob_api.spec import Spec
from distributedjob_api.status import Status

__all__ = ["Field", "ReferenceGapError", "fields", "render"]

FILE_NAME: Final = "job-api.md"

_IMMUTABLE: Final = "cannot be changed after creation"
_NONE: Final = "—"


class ReferenceGapError(Exception):
    """A field that the page cannot tell the whole about."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row: a field's path, its schema, and what a change of it does."""

    path: str
    schema: dict[str, Any]
    change: str


def fields(schema: dict[str, Any], path: str, change: str = "") -> Iterator[Field]:
    """Every field below ``schema`` in the order of the models.

    Raises:
        ReferenceGapError: it does not follow what a change of a field does, or two things
            do.
    """
    frozen = {
        made["fieldPath"].removeprefix(".")
        for made in schema.get(VALIDATIONS, [])
        if _IMMUTABLE in made["message"] and "fieldPath" in made
    }
    for name, part in schema.get("properties", {}).items():
        place = f"{path}.{name}"
        own = [part[ON_CHANGE]] if ON_CHANGE in part else []
        if name in frozen or any(_IMMUTABLE in made["message"] for made in _rules(part)):
            own.append("Immutable.")
        if len(own) > 1 or not (own or change):
            raise ReferenceGapError(f"{place}: {own or 'nothing'} says what a change does")
        here = own[0] if own else change
        yield Field(place, part, here)
        inner, step = (part["items"], "[]") if "items" in part else (part, "")
        yield from fields(inner, place + step, _inherited(here, name))


def _inherited(change: str, name: str) -> str:
    return change if change == "Immutable." or change.startswith("As ") else f"As `{name}`."


def _rules(schema: dict[str, Any]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = schema.get(VALIDATIONS, [])
    return made


def _about_values(schema: dict[str, Any]) -> list[str]:
    """What the rules of a schema demand of the value itself, whatever it was before."""
    return [
        made["message"]
        for made in _rules(schema)
        if "oldSelf" not in made["rule"] or "optionalOldSelf" in made
    ]


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" if value else '`""`' for value in schema["enum"])
    if "x-kubernetes-int-or-string" in schema:
        return "quantity"
    if "items" in schema:
        return f"list of {_kind(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_kind(schema['additionalProperties'])}"
    if schema.get("format") == "date-time":
        return "time"
    return "text" if schema["type"] == "string" else str(schema["type"])


def _default(schema: dict[str, Any], required: bool) -> str:
    if required:
        return "required"
    default = schema.get("default")
    if "properties" in schema:
        return "unset" if default is None else "as its fields say"
    return "unset" if default is None else f"default `{json.dumps(default)}`"


def _bounds(schema: dict[str, Any]) -> str:
    """The bounds of a value, then what its rules demand."""
    words = [_span(schema, *names) for names in _SPANS]
    if "items" in schema and "properties" not in schema["items"]:
        inner = _bounds(schema["items"])
        words.append(f"each: {inner}" if inner != _NONE else "")
    if "additionalProperties" in schema:
        words.append(f"each: {_bounds(schema['additionalProperties'])}")
    if "pattern" in schema:
        words.append(schema["pattern"].rpartition("|^")[2].removesuffix("$"))
    inner_rules = _about_values(schema["items"]) if "items" in schema else []
    words += _about_values(schema) + inner_rules
    return "<br>".join(_cell(word) for word in words if word) or _NONE


_SPANS: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " entries"),
    ("minProperties", "maxProperties", " entries"),
)


def _span(schema: dict[str, Any], lowest: str, highest: str, unit: str) -> str:
    if highest not in schema:
        return ""
    return f"{schema.get(lowest, 0):,} to {schema[highest]:,}{unit}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|") if "\\|" not in text else text


def _job(schema: dict[str, Any]) -> str:
    return f"`{schema[JOB_FIELD]}`" if JOB_FIELD in schema else _NONE


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _table(*titles: str) -> list[str]:
    return [_row(*titles), _row(*["---"] * len(titles))]


def _spec_table(schema: dict[str, Any]) -> Iterator[str]:
    yield from _table("Field", "Meaning", "Type", "Bounds", "After creation", "Job")
    required = set(_required(schema, "spec"))
    for field in fields(schema, "spec"):
        made = field.schema
        yield _row(
            f"`{field.path.removeprefix('spec.')}`",
            _cell(made["description"]),
            f"{_kind(made)}, {_default(made, field.path in required)}",
            _bounds(made),
            field.change,
            _job(made),
        )


def _required(schema: dict[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}.{name}" for name in schema.get("required", []))
    for name, part in schema.get("properties", {}).items():
        inner, step = (part["items"], "[]") if "items" in part else (part, "")
        yield from _required(inner, f"{path}.{name}{step}")


def _status_table(schema: dict[str, Any]) -> Iterator[str]:
    yield from _table("Field", "Meaning", "Type", "Job")
    for field in fields(schema, "status", "Written by the operator."):
        made = field.schema
        path = field.path.removeprefix("status.")
        yield _row(f"`{path}`", _cell(made["description"]), _kind(made), _job(made))


def render() -> str:
    """The page as the committed file holds it."""
    spec = annotated_schema(Spec)
    lines = [
        reference_text.HEAD,
        *_spec_table(spec),
        "",
        reference_text.RULES,
        *(f"- {message}" for message in _about_values(spec)),
        "",
        reference_text.DIFFERENCES,
        reference_text.STATUS,
        *_status_table(annotated_schema(Status)),
    ]
    return "\n".join(lines) + "\n"
