"""What helm says after an install."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.support.charts import CHART, NAMESPACE, RELEASE, helm

OBJECT = """\
{{- define "notes" -}}
%s
{{- end -}}
kind: Notes
text: {{ include "notes" . | toJson }}
"""
"""The notes as a document of their own: helm itself renders them only with a cluster at hand."""


def notes(folder: Path, *values: str) -> list[str]:
    """The lines of the notes with these values, each ``path=JSON``."""
    chart = shutil.copytree(CHART, folder / "chart")
    text = chart / "templates" / "NOTES.txt"
    (chart / "templates" / "notes.yaml").write_text(OBJECT % text.read_text())
    done = helm(
        *("template", RELEASE, str(chart), "--namespace", NAMESPACE, "--kube-version", "1.37.2"),
        *("--show-only", "templates/notes.yaml"),
        *(option for value in values for option in ("--set-json", value)),
    )
    assert done.returncode == 0, done.stderr
    found: str = yaml.safe_load(done.stdout)["text"]
    return found.splitlines()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((), ""),
        (("pools.default.cpu.share=0.6", "pools.gpu.cpu.share=0.6"), "120 % of their CPU"),
        (("metrics.serviceMonitor.enabled=true",), "networkPolicy.operator.from"),
        (("metrics.workerMonitor.enabled=true",), "networkPolicy.workers.from"),
    ],
)
def test_what_will_not_go_well_is_named(values: tuple[str, ...], said: str, tmp_path: Path) -> None:
    found = [line for line in notes(tmp_path, *values) if line.startswith("NOTE: ")]
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((), f"default: jobs of {NAMESPACE}"),
        (('pools.default.namespaces=["a","b"]',), "default: jobs of a, b"),
        (("operator.allNamespaces=true",), "default: jobs of every namespace"),
    ],
)
def test_whose_jobs_a_pool_runs_is_said(values: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert f"  {said}" in notes(tmp_path, *values)
