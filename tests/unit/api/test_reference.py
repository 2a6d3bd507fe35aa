"""``docs/job-api.md`` tells the whole about every field, and refuses to be made otherwise."""

import pytest
from pydantic import BaseModel, ConfigDict, Field

from distributedjob_api import reference
from distributedjob_api.reference import ReferenceGapError, fields
from distributedjob_api.rules import immutable, immutable_optional, notes, rules
from distributedjob_api.schema import annotated_schema
from distributedjob_api.v1alpha1 import Spec, Status

PAGE = reference.render()
SPEC = {field.path: field for field in fields(annotated_schema(Spec), "spec")}
STATUS = [field.path for field in fields(annotated_schema(Status), "status", "Written.")]

MUTABLE = {
    "spec.activeDeadlineSeconds",
    "spec.cancel",
    "spec.nodeSelector",
    "spec.parallelism",
    "spec.priority",
    "spec.rerun",
    "spec.suspend",
    "spec.suspendMode",
    "spec.tolerations",
    "spec.ttlSecondsAfterFinished",
}


def row(path):
    start = f"| `{path.partition('.')[2]}` |"
    (line,) = [line for line in PAGE.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in line.strip("|").replace("\\|", "/").split("|")]


@pytest.mark.parametrize("path", SPEC)
def test_every_field_of_the_spec_has_a_row(path):
    assert len(row(path)) == 6
    assert all(row(path))


@pytest.mark.parametrize("path", STATUS)
def test_every_field_of_the_status_has_a_row(path):
    assert len(row(path)) == 4


def test_the_fields_that_may_change_are_those_that_the_protocol_names():
    top = {path for path in SPEC if path.count(".") == 1}
    assert {path for path in top if SPEC[path].change != "Immutable."} == MUTABLE


@pytest.mark.parametrize(
    ("path", "kind", "bounds", "job"),
    [
        pytest.param(
            "spec.completions", "integer, unset", "1 to 1,000,000", "`completions`", id="number"
        ),
        pytest.param(
            "spec.template.command",
            "list of text, required",
            "each: 0 to 32,768 characters<br>no control characters but tab and newline;"
            " remove the others",
            "`template.spec.containers[0].command`",
            id="list of texts",
        ),
        pytest.param(
            "spec.suspendMode", '`Drain` / `Now`, default `"Now"`', "—", "—", id="one of two words"
        ),
        pytest.param(
            "spec.template.resources.requests.memory",
            "quantity, unset",
            "from 1 to 1Pi",
            "`template.spec.containers[0].resources.requests.memory`",
            id="quantity",
        ),
        pytest.param(
            "spec.nodeSelector",
            "map of text, default `{}`",
            "0 to 32 entries<br>each: 0 to 63 characters<br>a key of nodeSelector must be",
            "`template.spec.nodeSelector`",
            id="map",
        ),
        pytest.param(
            "spec.failurePolicy.rules[].onExitCodes.values",
            "list of integer, required",
            "each: 0 to 255<br>values must ascend",
            "`podFailurePolicy.rules[].onExitCodes.values`",
            id="list in a list",
        ),
        pytest.param(
            "spec.retryPolicy",
            "object, as its fields say",
            "maxSeconds must not be below",
            "—",
            id="object with a rule",
        ),
    ],
)
def test_a_row_names_type_default_bounds_and_the_field_of_job(path, kind, bounds, job):
    _, _, shown_kind, shown_bounds, _, shown_job = row(path)
    assert (shown_kind, shown_job) == (kind, job)
    assert bounds in shown_bounds


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("exactly one of completions, items and itemsFrom", id="rule over fields"),
        pytest.param("rerun cannot be set or changed where cancel", id="rule at any time"),
        pytest.param("`parallelism` unset means all free CPU", id="difference from Job"),
        pytest.param("Deadlines stand still while a job is suspended", id="deadlines"),
    ],
)
def test_the_page_says_what_no_row_can(words):
    assert words in PAGE


class Silent(BaseModel):
    value: int


class Both(BaseModel):
    value: int = Field(json_schema_extra=rules(immutable("value")) | notes(change="At any time."))


class BothByParent(BaseModel):
    model_config = ConfigDict(json_schema_extra=rules(immutable_optional("value")))

    value: int = Field(json_schema_extra=notes(change="At any time."))


@pytest.mark.parametrize("model", [Silent, Both, BothByParent])
def test_a_field_must_say_one_thing_about_its_change(model):
    with pytest.raises(ReferenceGapError, match=r"spec\.value"):
        list(fields(annotated_schema(model), "spec"))
