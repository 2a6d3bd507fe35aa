"""Every example is accepted by the API server, as strictly as kubectl asks it to be."""

import subprocess
import sys
from pathlib import Path

import pytest

from distributedjob_local.control_plane import ControlPlane

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_an_example_is_accepted(control_plane: ControlPlane, namespace: str, name: str) -> None:
    done = control_plane.kubectl(
        "apply", "--validate=strict", f"--namespace={namespace}", f"--filename={EXAMPLES / name}"
    )
    assert done.returncode == 0, done.stderr


def test_the_job_over_the_standard_library_is_accepted(
    control_plane: ControlPlane, namespace: str
) -> None:
    command = [sys.executable, EXAMPLES / "stdlib.py"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    done = control_plane.kubectl(
        "apply", "--validate=strict", f"--namespace={namespace}", "--filename=-", input=text
    )
    assert done.returncode == 0, done.stderr
