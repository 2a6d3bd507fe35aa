"""The gates that the rendered chart passes: ``python helm/gates.py``.

helm lint, kube-score, the policies of ``helm/policy`` and promtool see the chart with each
file of values in ``ci/``. What is left out, and why:

- kube-score's ``container-image-pull-policy``: it wants Always; images have a tag of their
  own, and a cluster without a registry at hand must be able to start.
- kube-score's limits for the workers (by annotation): their tasks may use what the node
  has; a pool that shares its nodes sets ``resources.limits``.
- kubeconform: it has the same schemas from a server in the internet that a test asks the
  API server for, which also knows the rules that no schema holds.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from distributedjob_local import versions
from distributedjob_local.errors import LocalError
from distributedjob_local.programs import find_programs
from distributedjob_local.progress import Progress

HELM: Final = Path(__file__).parent
CHART: Final = HELM / "distributedjob"
TOOLS: Final = frozenset({"conftest", "helm", "kube-score", "promtool"})


def main() -> int:
    """Run every gate; returns the exit code."""
    try:
        tools = find_programs(TOOLS, Progress())
    except LocalError as error:
        print(f"gates: {error}", file=sys.stderr)
        return 1
    failed = False
    for values in sorted((CHART / "ci").glob("*.yaml")):
        for name, command, text in _gates(str(tools["helm"]), values):
            program = str(tools.get(command[0], command[0]))
            done = subprocess.run(
                [program, *command[1:]], input=text, capture_output=True, text=True, check=False
            )
            if done.returncode:
                failed = True
                print(f"{name}, {values.stem}:\n{done.stdout}{done.stderr}", file=sys.stderr)
    return 1 if failed else 0


def _gates(helm: str, values: Path) -> Iterator[tuple[str, list[str], str]]:
    """Each gate: its name, its command, and what it reads."""
    version = versions.kubernetes()
    yield "helm lint", ["helm", "lint", "--strict", "--values", str(values), str(CHART)], ""
    command = [helm, "template", "distributedjob", str(CHART), "--namespace", "djob-system"]
    done = subprocess.run(
        [*command, "--kube-version", version, "--values", str(values)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        yield "helm template", ["sh", "-c", "cat >&2; exit 1"], done.stderr
        return
    release = version.rpartition(".")[0]
    options = ["--kubernetes-version", release, "--exit-one-on-warning", "--output-format", "ci"]
    left_out = ["--ignore-test", "container-image-pull-policy"]
    yield "kube-score", ["kube-score", "score", *options, *left_out, "-"], done.stdout
    policy = ["--policy", str(HELM / "policy"), "--no-color", "--quiet", "-"]
    yield "conftest", ["conftest", "test", *policy], done.stdout
    for rules in _rules(done.stdout):
        yield "promtool", ["promtool", "check", "rules", "--lint-fatal", "/dev/stdin"], rules


def _rules(rendered: str) -> Iterator[str]:
    """The alerts as Prometheus reads them."""
    for document in yaml.safe_load_all(rendered):
        if document and document["kind"] == "PrometheusRule":
            yield yaml.safe_dump(document["spec"])


if __name__ == "__main__":
    sys.exit(main())
