"""Programs of the machine are asked for their version; what is missing is built."""

from pathlib import Path

import pytest

from distributedjob_local.programs import kubectl_fault


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ('{"clientVersion": {"gitVersion": "v1.26.9"}}', "is older than 1.27"),
        ('{"clientVersion": {"gitVersion": "v1.37.0-rc.1"}}', ""),
        ("Client Version: v1.37.0", "does not say which version it is"),
    ],
)
def test_the_age_of_a_kubectl_is_seen(said: str, fault: str, tmp_path: Path) -> None:
    kubectl = script(tmp_path / "kubectl", f"echo '{said}'")

    assert kubectl_fault(kubectl).removeprefix(f"{kubectl} ") == fault
