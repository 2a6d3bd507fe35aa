"""The chart without Helm: the commands of docs/install.md, run as they stand."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from distributedjob_local.control_plane import ControlPlane
from tests.e2e import readme
from tests.support import servers
from tests.support.charts import NAMESPACE, RELEASE

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
HEADING: Final = "Without Helm"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server on which the commands were run."""
    with servers.new_control_plane(tmp_path_factory.mktemp("plain")) as started:
        programs = str(servers.programs()["kubectl"].parent)
        environment = {
            **os.environ,
            "KUBECONFIG": str(started.kubeconfig),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }
        for line in readme.commands(HEADING, TEXT):
            command = ["bash", "-euo", "pipefail", "-c", line]
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{line}: {done.stderr}"
        yield started


def images(api: ControlPlane) -> set[str]:
    found = api.kubectl("get", "deployments,daemonsets", "-n", NAMESPACE, "-o", "json")
    return {
        container["image"].rpartition(":")[0]
        for each in json.loads(found.stdout)["items"]
        for container in each["spec"]["template"]["spec"]["containers"]
    }


def test_everything_is_there_and_every_key_that_it_asks_for(api: ControlPlane) -> None:
    assert images(api) == {"distributedjob-operator", "distributedjob-worker"}
    workers = api.kubectl(
        "get", f"daemonset/{RELEASE}-worker-default", "-n", NAMESPACE, "-o", "json"
    )
    volumes = json.loads(workers.stdout)["spec"]["template"]["spec"]["volumes"]
    (secret,) = [each["secret"] for each in volumes if "secret" in each]
    kept = api.kubectl("get", "secret", secret["secretName"], "-n", NAMESPACE, "-o", "json")
    assert json.loads(kept.stdout)["data"].keys() == {"operator", "route", "pool-default"}


def test_an_overlay_sets_the_images(api: ControlPlane, tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    (overlay,) = [each for each in blocks if "kind: Kustomization" in each]
    (base,) = yaml.safe_load(overlay)["resources"]
    shutil.copytree(ROOT / "gitops" / "kustomize", tmp_path / base)
    (tmp_path / "kustomization.yaml").write_text(overlay, encoding="utf-8")

    done = api.kubectl("apply", "--server-side", "-k", str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert images(api) == {
        f"registry.example/distributedjob-{role}" for role in ("operator", "worker")
    }
