"""Files of manifests, and the Jobs in them as DistributedJobs."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from distributedjob_api.convert import ConvertError, from_job

STANDARD_INPUT: Final = Path("-")


class ManifestError(ValueError):
    """A file that cannot be read, or holds nothing that can be converted."""


def convert_files(files: list[Path]) -> tuple[str, list[str]]:
    """Convert every Job in some files.

    Returns:
        The new manifests as YAML, and what could not be carried over.

    Raises:
        ManifestError: one of the files, or one of the Jobs, cannot be converted, or there
            is none.
    """
    made: list[dict[str, Any]] = []
    notes: list[str] = []
    for file in files:
        for place, document in documents(file):
            new, said = converted(place, document)
            made += new
            notes += said
    if not made:
        raise ManifestError(f"{', '.join(map(_shown, files))}: there is no batch/v1 Job")
    text = yaml.safe_dump_all(made, sort_keys=False, width=100, allow_unicode=True)
    return str(text), notes


def _shown(file: Path) -> str:
    return "standard input" if file == STANDARD_INPUT else str(file)


def converted(place: str, document: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """A document as a list of none or one, and what is to be said about it.

    Raises:
        ManifestError: it is a Job that cannot be converted.
    """
    kind = document.get("kind")
    name = _name(document)
    if (document.get("apiVersion"), kind) != ("batch/v1", "Job"):
        return [], [f"{kind or 'a document without a kind'} {name}: left out, since it is no Job"]
    try:
        made, notes = from_job(document)
    except ConvertError as error:
        raise ManifestError(f"{place}: Job {name}: {error}") from error
    return [made], [f"Job {name}: {note}" for note in notes]


def _name(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    return str(named.get("name") or named.get("generateName") or "without a name")


def documents(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object in a file, those of lists one by one, with where it was found.

    Raises:
        ManifestError: the file cannot be read, or is no YAML of objects.
    """
    shown = _shown(file)
    try:
        text = sys.stdin.read() if file == STANDARD_INPUT else file.read_text(encoding="utf-8")
        found = list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ManifestError(f"{shown}: {why}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ManifestError(f"{shown}: no YAML{_line(error)}") from error
    for document in found:
        for item in _items(document, shown):
            if not isinstance(item, dict):
                raise ManifestError(f"{shown}: {item!r:.40} is no object")
            yield shown, item


def _items(document: object, shown: str) -> list[Any]:
    if document is None:  # Nothing between two lines of dashes.
        return []
    if not isinstance(document, dict) or not str(document.get("kind", "")).endswith("List"):
        return [document]
    items = document.get("items") or []
    if not isinstance(items, list):
        raise ManifestError(f"{shown}: items must be a list")
    return items


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark else ""
