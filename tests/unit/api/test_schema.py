"""The CRD is structural, keeps its own bounds, and the committed file is current."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from distributedjob_api import constants, reference
from distributedjob_api.__main__ import main
from distributedjob_api.rules import VALIDATIONS
from distributedjob_api.schema import (
    TEMPLATE_NAME,
    SchemaError,
    custom_resource_definition,
    render,
    render_template,
    structural_schema,
)
from distributedjob_api.v1alpha1 import Spec, Status

VERSION = custom_resource_definition()["spec"]["versions"][0]


def schemas(schema, path="spec"):
    """Every schema in a schema, with its path."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from schemas(part, f"{path}.{name}")
    if "items" in schema:
        yield from schemas(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from schemas(schema["additionalProperties"], f"{path}[]")


SPEC = dict(schemas(structural_schema(Spec)))
STATUS = dict(schemas(structural_schema(Status), "status"))


@pytest.mark.parametrize("schema", [*SPEC.values(), *STATUS.values()], ids=[*SPEC, *STATUS])
def test_every_schema_has_a_type_and_no_word_that_is_not_structural(schema):
    assert ("type" in schema) != ("x-kubernetes-int-or-string" in schema)
    assert not schema.keys() & {"$ref", "anyOf", "allOf", "oneOf", "title", "const", "$defs"}
    assert schema.get("default", "") is not None


@pytest.mark.parametrize("path", [path for path in (*SPEC, *STATUS) if not path.endswith("]")])
def test_every_field_says_what_it_is(path):
    text = (SPEC | STATUS)[path]["description"]
    assert text.endswith(".")
    assert "\n\n" not in text


@pytest.mark.parametrize("schema", SPEC.values(), ids=SPEC)
def test_every_text_list_and_number_a_user_writes_is_bounded(schema):
    bound = {"string": "maxLength", "array": "maxItems", "integer": "maximum"}
    kind = schema.get("type", "string")
    if kind in bound and "enum" not in schema:
        assert bound[kind] in schema
    if kind == "integer":
        assert "minimum" in schema
    if kind == "object":
        assert ("maxProperties" in schema) == ("additionalProperties" in schema)


@pytest.mark.parametrize(
    "schema",
    [pytest.param(schema, id=path) for path, schema in SPEC.items() if "default" in schema],
)
def test_every_default_keeps_its_bounds(schema):
    default = schema["default"]
    assert default in schema.get("enum", [default])
    if schema.get("type") == "integer":
        assert schema["minimum"] <= default <= schema["maximum"]
    if schema.get("type") == "string" and "enum" not in schema:
        assert schema.get("minLength", 0) <= len(default) <= schema["maxLength"]
        assert re.search(schema.get("pattern", ""), default)


@pytest.mark.parametrize("schema", SPEC.values(), ids=SPEC)
def test_every_rule_names_its_field_and_what_to_write_instead(schema):
    for made in schema.get(VALIDATIONS, []):
        assert re.search(r"must|cannot", made["message"])
        assert re.search(r"write|keep|choose|raise|lower|put", made["message"])


@pytest.mark.parametrize("schema", [*SPEC.values(), *STATUS.values()], ids=[*SPEC, *STATUS])
def test_no_default_holds_what_is_unset(schema):
    default = schema.get("default")
    assert not isinstance(default, dict) or None not in default.values()


def test_the_notes_for_the_reference_stay_out_of_the_crd():
    assert "x-job-field" not in render()
    assert "x-on-change" not in render()


def test_a_field_keeps_the_rules_of_its_type_beside_its_own():
    messages = [made["message"] for made in SPEC["spec.retryPolicy"][VALIDATIONS]]
    assert len(messages) == 2
    assert messages[0].startswith("maxSeconds")
    assert messages[1].startswith("retryPolicy cannot be changed")


def test_the_columns_are_those_of_the_design_in_order():
    columns = VERSION["additionalPrinterColumns"]
    always = [column["name"] for column in columns if not column.get("priority")]
    assert always == ["Phase", "Done", "Running", "Failed", "Retries", "Age", "Duration"]
    assert [column["name"] for column in columns[len(always) :]] == ["Pool", "Parallelism", "Why"]


class Choice(BaseModel):
    value: int | str


class Pair(BaseModel):
    value: tuple[int, str]


@pytest.mark.parametrize("model", [Choice, Pair])
def test_what_no_structural_schema_can_say_is_refused(model):
    with pytest.raises(SchemaError, match="has no place in a structural schema"):
        structural_schema(model)


def test_the_committed_files_are_what_the_models_say():
    assert main(["--check"]) == 0


def test_the_files_are_written_and_a_stale_one_is_named(tmp_path: Path, capsys):
    expected = {
        tmp_path / f"{constants.CRD_NAME}.yaml": render(),
        tmp_path / reference.FILE_NAME: reference.render(),
        tmp_path / TEMPLATE_NAME: render_template(),
    }
    arguments = ["--directory", str(tmp_path)]
    assert main([*arguments, "--check"]) == 1
    assert capsys.readouterr().err.count("run `make crds`") == len(expected)
    assert main(arguments) == 0
    assert {file: file.read_text() for file in expected} == expected
    assert main([*arguments, "--check"]) == 0
    for file, text in expected.items():
        file.write_text(text + "\n")
        capsys.readouterr()
        assert main([*arguments, "--check"]) == 1
        assert capsys.readouterr().err.startswith(str(file))
        file.write_text(text)


def test_the_file_holds_the_whole_definition():
    assert yaml.safe_load(render()) == custom_resource_definition()


def test_a_missing_directory_is_a_clear_error(tmp_path: Path, capsys):
    assert main(["--directory", str(tmp_path / "none")]) == 2
    assert "--directory" in capsys.readouterr().err
