"""The CRD, made from the models.

The API server takes structural schemas only: no references, no alternatives, no
titles. Whatever else pydantic may come to emit is refused here, by name, rather than
dropped by the server.
"""

from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from distributedjob_api import constants
from distributedjob_api.rules import JOB_FIELD, ON_CHANGE, VALIDATIONS
from distributedjob_api.spec import Spec
from distributedjob_api.status import Status

__all__ = [
    "TEMPLATE_NAME",
    "SchemaError",
    "annotated_schema",
    "custom_resource_definition",
    "render",
    "render_template",
    "structural_schema",
]

HEAD: Final = "# Generated from crds/distributedjob_api by `make crds`; do not edit.\n"
TEMPLATE_NAME: Final = "crd.yaml"

_KEPT: Final = frozenset(
    {
        "description",
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "required",
        "type",
    }
)
_NOTES: Final = frozenset({JOB_FIELD, ON_CHANGE})
_IMPLIED: Final = (("default", None), ("additionalProperties", False))

_DESCRIPTION: Final = (
    "A DistributedJob stands for many short, independent tasks: one command, run once for"
    " each index by warm workers on the nodes of a pool."
)


class SchemaError(Exception):
    """A model says something that a structural schema cannot."""


def structural_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model as the API server accepts it."""
    schema: dict[str, Any] = _without_notes(annotated_schema(model))
    return schema


def annotated_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The same with the notes for the reference at each field."""
    _, both = models_json_schema([(model, "validation")], ref_template="{model}")
    definitions = both["$defs"]
    return _structural(definitions[model.__name__], definitions)


def _structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _inlined(schema, definitions)
    made: dict[str, Any] = {}
    for key, value in schema.items():
        # No more properties than the known ones is what the server grants anyway, and
        # forbids to say.
        if key == "title" or (key, value) in _IMPLIED:
            continue
        if key == "properties":
            made[key] = {name: _structural(part, definitions) for name, part in value.items()}
        elif key in {"items", "additionalProperties"}:
            made[key] = _structural(value, definitions)
        elif key == "default":
            made[key] = _without_unset(value)
        elif key == "const":
            made["enum"] = [value]
        elif key in _KEPT | _NOTES or key.startswith("x-kubernetes-"):
            made[key] = value
        else:
            raise SchemaError(f"{key}: {value!r} has no place in a structural schema")
    return made


def _without_notes(schema: Any) -> Any:
    """Rules and lists of words hold no notes; properties, whatever their name, may."""
    if not isinstance(schema, dict):
        return schema
    return {key: _without_notes(part) for key, part in schema.items() if key not in _NOTES}


def _without_unset(default: Any) -> Any:
    """A default as a stored object holds it, where what is unset is not there."""
    if not isinstance(default, dict):
        return default
    return {name: _without_unset(part) for name, part in default.items() if part is not None}


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with its reference, or its only branch beside null, taken in.

    What stands at the field wins over what stands at its type; rules of both hold.
    """
    branches = [part for part in schema.get("anyOf", []) if part.get("type") != "null"]
    if "$ref" in schema:
        inner = _inlined(definitions[schema["$ref"]], definitions)
    elif len(branches) == 1:
        inner = _inlined(branches[0], definitions)
    else:
        return schema
    outer = {key: value for key, value in schema.items() if key not in {"$ref", "anyOf"}}
    both = {**inner, **outer}
    validations = [*inner.get(VALIDATIONS, []), *outer.get(VALIDATIONS, [])]
    return both | ({VALIDATIONS: validations} if validations else {})


def custom_resource_definition() -> dict[str, Any]:
    """The whole CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": constants.CRD_NAME},
        "spec": {
            "group": constants.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": constants.KIND,
                "listKind": f"{constants.KIND}List",
                "plural": constants.PLURAL,
                "singular": constants.SINGULAR,
                "shortNames": list(constants.SHORT_NAMES),
                "categories": ["all"],
            },
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    schema = {
        "type": "object",
        "description": _DESCRIPTION,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"Always {constants.API_VERSION}."},
            "kind": {"type": "string", "description": f"Always {constants.KIND}."},
            "metadata": {"type": "object"},
            "spec": structural_schema(Spec),
            "status": structural_schema(Status),
        },
    }
    return {
        "name": constants.VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".status.phase"}],
        "additionalPrinterColumns": [
            _column("Phase", ".status.phase"),
            _column("Done", ".status.progress"),
            _column("Running", ".status.running", "integer"),
            _column("Failed", ".status.failed", "integer"),
            _column("Retries", ".status.retries", "integer"),
            _column("Age", ".metadata.creationTimestamp", "date"),
            _column("Duration", ".status.duration"),
            _wide("Pool", ".spec.pool"),
            _wide("Parallelism", ".spec.parallelism", "integer"),
            _wide("Why", '.status.conditions[?(@.type=="Reconciling")].reason'),
        ],
    }


def _column(name: str, path: str, kind: str = "string") -> dict[str, str]:
    return {"name": name, "type": kind, "jsonPath": path}


def _wide(name: str, path: str, kind: str = "string") -> dict[str, Any]:
    """A column that ``-o wide`` adds."""
    return {**_column(name, path, kind), "priority": 1}


def render() -> str:
    """The CRD as the committed file holds it."""
    return HEAD + yaml.safe_dump(
        custom_resource_definition(), sort_keys=True, width=100, allow_unicode=True
    )


def render_template() -> str:
    """The CRD as a template of the chart: upgraded with it, and kept when it goes.

    Raises:
        SchemaError: some text in it would be taken for an action of the template.
    """
    definition = custom_resource_definition()
    # With the definition go all jobs: neither Helm, Argo CD nor Flux is to take it away.
    definition["metadata"]["annotations"] = {
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "helm.sh/resource-policy": "keep",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }
    text = yaml.safe_dump(definition, sort_keys=True, width=100, allow_unicode=True)
    if "{{" in text:
        raise SchemaError("a description contains {{, which a chart cannot hold")
    return f"{HEAD}{{{{- if .Values.crds.enabled }}}}\n{text}{{{{- end }}}}\n"
