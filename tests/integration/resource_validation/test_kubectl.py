"""The CRD as ``kubectl`` sees it: applied, refused, listed and explained."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from distributedjob_api import constants
from tests.support.validation import UNCHECKED, items, template

ROOT = Path(__file__).parents[3]
CRD_FILE = ROOT / "crds" / f"{constants.CRD_NAME}.yaml"


def test_the_largest_items_and_template_fit_a_client_side_apply(control_plane, namespace):
    # Such an apply keeps a copy of the whole object in an annotation.
    largest = items(*["a" * 5] * 20_000) | template(args=["b" * 32_000] * 2)
    del largest["completions"]
    document = yaml.safe_load((ROOT / "examples" / "hello.yaml").read_text()) | {"spec": largest}
    applied = control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(document))
    assert applied.returncode == 0, applied.stderr


def test_kubectl_takes_the_committed_crd_strictly_and_it_is_established(control_plane):
    applied = control_plane.kubectl(
        "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", str(CRD_FILE)
    )
    assert applied.returncode == 0, applied.stderr
    assert "Warning" not in applied.stderr
    waited = control_plane.kubectl(
        "wait", "--for=condition=Established", "--timeout=30s", f"crd/{constants.CRD_NAME}"
    )
    assert waited.returncode == 0, waited.stderr


def test_kubectl_says_what_is_wrong_and_fails(control_plane, namespace):
    document = yaml.safe_load((ROOT / "examples" / "hello.yaml").read_text())
    wrong = copy.deepcopy(document)
    wrong["spec"]["items"] = ["a"]
    refusal = control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(wrong))
    assert refusal.returncode == 1
    assert "exactly one of completions, items and itemsFrom must be set" in refusal.stderr
    assert UNCHECKED not in refusal.stderr


def test_hello_fits_on_a_card_and_is_applied_and_listed_by_short_name_and_phase(
    control_plane, namespace
):
    file = ROOT / "examples" / "hello.yaml"
    assert len(file.read_text().splitlines()) <= 15
    applied = control_plane.kubectl("apply", "-n", namespace, "-f", str(file))
    assert applied.returncode == 0, applied.stderr
    by_short_name = control_plane.kubectl("get", "djob", "-n", namespace)
    header, row = by_short_name.stdout.splitlines()
    columns = ["NAME", "PHASE", "DONE", "RUNNING", "FAILED", "RETRIES", "AGE", "DURATION"]
    assert header.split() == columns
    assert row.startswith("hello")
    in_all = control_plane.kubectl("get", "all", "-n", namespace, "-o", "name")
    assert f"{constants.SINGULAR}.{constants.GROUP}/hello" in in_all.stdout
    by_phase = control_plane.kubectl(
        "get", "djob", "-n", namespace, "--field-selector", "status.phase=Running", "-o", "name"
    )
    assert (by_phase.returncode, by_phase.stdout) == (0, "")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param("spec", "Number of tasks; their indexes are 0 to completions - 1.", id="spec"),
        pytest.param("spec.template", "started without a shell", id="template"),
        pytest.param(
            "spec.retryPolicy.placement", "Anywhere; OtherNode, which prefers", id="a choice"
        ),
        pytest.param("status", "Indexes that succeeded", id="status"),
    ],
)
def test_kubectl_explains_the_fields(control_plane, path, words):
    explained = control_plane.kubectl("explain", f"{constants.SINGULAR}.{path}")
    assert explained.returncode == 0, explained.stderr
    assert words in explained.stdout
