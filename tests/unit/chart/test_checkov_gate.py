"""What the gate makes of checkov's report: nothing passes that is not written down."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("checkov_gate", ROOT / "helm/checkov_gate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*failed: tuple[str, str]) -> dict[str, Any]:
    """A report with these failures, each a check and a kind."""
    found = [
        {
            "check_id": check,
            "check_name": f"what {check} wants",
            "resource": f"{kind}.djob-system.distributedjob",
            "file_path": "/default.yaml",
        }
        for check, kind in failed
    ]
    return {"results": {"failed_checks": found}}


def excepted(gate: ModuleType) -> list[tuple[str, str]]:
    return [(check, kind) for check, kinds in gate.EXCEPTIONS.items() for kind in kinds]


def test_what_is_written_down_passes(gate: ModuleType) -> None:
    assert list(gate.judged(report(*excepted(gate)))) == []


@pytest.mark.parametrize("found", [("CKV_K8S_16", "DaemonSet"), ("CKV_K8S_8", "Deployment")])
def test_another_check_or_kind_is_a_finding(gate: ModuleType, found: tuple[str, str]) -> None:
    (said,) = gate.judged(report(*excepted(gate), found))
    check, kind = found
    assert check in said
    assert f"{kind}.djob-system.distributedjob" in said


def test_an_exception_that_nothing_needs_is_a_finding(gate: ModuleType) -> None:
    first, *others = excepted(gate)
    (said,) = gate.judged(report(*others))
    assert said.startswith(first[0])


def test_a_report_on_nothing_does_not_pass(gate: ModuleType) -> None:
    assert len(list(gate.judged({"passed": 0}))) == len(excepted(gate))


def test_security_md_gives_the_reason_for_each(gate: ModuleType) -> None:
    table = (ROOT / "SECURITY.md").read_text().partition("## Exceptions")[2]
    told = {
        f"CKV_K8S_{number}"
        for numbers in re.findall(r"CKV_K8S_([0-9, ]+)", table)
        for number in re.findall("[0-9]+", numbers)
    }
    assert told == gate.EXCEPTIONS.keys()
