"""The gates that the rendered chart passes: ``python helm/gates.py``.

helm lint, kube-score, the policies of ``helm/policy``, promtool and checkov see the chart
with each file of values in ``ci/``. What is left out, and why:

- kube-score's ``container-image-pull-policy``: it wants Always; images have a tag of their
  own, and a cluster without a registry at hand must be able to start.
- kube-score's limits for the workers (by annotation): their tasks may use what the node
  has; a pool that shares its nodes sets ``resources.limits``.
- kubeconform: it has the same schemas from a server in the internet that a test asks the
  API server for, which also knows the rules that no schema holds.
- what ``checkov_gate.py`` lists.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml
from checkov_gate import complaints

from distributedjob_local import versions
from distributedjob_local.errors import LocalError
from distributedjob_local.programs import find_programs
from distributedjob_local.progress import Progress

HELM: Final = Path(__file__).parent
CHART: Final = HELM / "distributedjob"
TOOLS: Final = frozenset({"conftest", "helm", "kube-score", "promtool"})


def main() -> int:
    """Run every gate; returns the exit code."""
    failed = False
    try:
        for finding in _findings(Progress()):
            failed = True
            print(finding, file=sys.stderr)
    except LocalError as error:
        print(f"gates: {error}", file=sys.stderr)
        return 1
    return 1 if failed else 0


def _findings(progress: Progress) -> Iterator[str]:
    """What the gates say of the chart.

    Raises:
        LocalError: one of the programs is not to be had.
    """
    tools = find_programs(TOOLS, progress)
    renderings = {}
    for values in sorted((CHART / "ci").glob("*.yaml")):
        rendered = _run(
            [
                *(tools["helm"], "template", "distributedjob", CHART, "--values", values),
                *("--namespace", "djob-system", "--kube-version", versions.kubernetes()),
            ]
        )
        if rendered.returncode:
            yield f"helm template, {values.stem}:\n{rendered.stderr}"
            continue
        renderings[values.stem] = rendered.stdout
        for name, command, text in _gates(values, rendered.stdout):
            done = _run([tools[command[0]], *command[1:]], text)
            if done.returncode:
                yield f"{name}, {values.stem}:\n{done.stdout}{done.stderr}"
    for complaint in complaints(renderings, progress):
        yield f"checkov: {complaint}"


def _gates(values: Path, rendered: str) -> Iterator[tuple[str, list[str], str]]:
    """Each gate: its name, its command, and what it reads."""
    yield "helm lint", ["helm", "lint", "--strict", "--values", str(values), str(CHART)], ""
    release = versions.kubernetes().rpartition(".")[0]
    options = ["--kubernetes-version", release, "--exit-one-on-warning", "--output-format", "ci"]
    left_out = ["--ignore-test", "container-image-pull-policy"]
    yield "kube-score", ["kube-score", "score", *options, *left_out, "-"], rendered
    policy = ["--policy", str(HELM / "policy"), "--no-color", "--quiet", "-"]
    yield "conftest", ["conftest", "test", *policy], rendered
    for rules in _rules(rendered):
        yield "promtool", ["promtool", "check", "rules", "--lint-fatal", "/dev/stdin"], rules


def _run(command: Sequence[str | Path], text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def _rules(rendered: str) -> Iterator[str]:
    """The alerts as Prometheus reads them."""
    for document in yaml.safe_load_all(rendered):
        if document and document["kind"] == "PrometheusRule":
            yield yaml.safe_dump(document["spec"])


if __name__ == "__main__":
    sys.exit(main())
