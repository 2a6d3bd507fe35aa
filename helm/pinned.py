"""The chart as plain manifests, for ``kubectl apply -k`` and as its pinned rendering.

``python helm/pinned.py`` writes ``gitops/kustomize/install.yaml``; with ``--check`` it
fails where that is not what the chart renders to.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml

from distributedjob_local import versions
from distributedjob_local.errors import LocalError
from distributedjob_local.programs import find_programs
from distributedjob_local.progress import Progress

HELM: Final = Path(__file__).parent
TARGET: Final = HELM.parent / "gitops" / "kustomize" / "install.yaml"
HEAD: Final = "# Rendered from helm/distributedjob by `make crds`; do not edit.\n"
OF_HELM: Final = re.compile(
    r"^ *(app\.kubernetes\.io/managed-by: Helm|helm\.sh/chart: \S+|# Source: \S+)\n", re.MULTILINE
)


def render() -> str:
    """The manifests; the keys of NATS are a Secret that the user makes.

    Raises:
        LocalError: helm is not to be had, or refuses the chart.
    """
    helm = find_programs({"helm"}, Progress())["helm"]
    done = subprocess.run(
        [
            *(helm, "template", "distributedjob", HELM / "distributedjob"),
            *("--namespace", "djob-system", "--kube-version", versions.kubernetes()),
            *("--skip-tests", "--set", "nats.auth.existingSecret=distributedjob-nats-keys"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalError(done.stderr.strip())
    return HEAD + OF_HELM.sub("", done.stdout)


def main(arguments: list[str]) -> int:
    """Write the manifests, or check them; returns the exit code."""
    try:
        text = render()
    except LocalError as error:
        print(f"pinned: {error}", file=sys.stderr)
        return 1
    if arguments != ["--check"]:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    # Helm 3 and 4 leave different blank lines.
    if TARGET.is_file() and _objects(TARGET.read_text(encoding="utf-8")) == _objects(text):
        return 0
    print(f"{TARGET} is not what the chart renders to: run `make crds`", file=sys.stderr)
    return 1


def _objects(text: str) -> list[object]:
    return list(yaml.safe_load_all(text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
