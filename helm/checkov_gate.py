"""checkov over the rendered chart: each finding is mended, or an exception that stands here.

It comes from PyPI into an environment of its own in the user's cache, since none of its
hundred packages is to meet ours.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from distributedjob_local.errors import LocalError
from distributedjob_local.programs import cache_directory
from distributedjob_local.progress import Progress

LOCK: Final = Path(__file__).parents[1] / "requirements-checkov.lock"
EXCEPTIONS: Final = {
    "CKV_K8S_8": {"DaemonSet", "Pod", "StatefulSet"},
    "CKV_K8S_9": {"Pod", "StatefulSet"},
    "CKV_K8S_11": {"DaemonSet"},
    "CKV_K8S_13": {"DaemonSet"},
    "CKV_K8S_15": {"DaemonSet", "Deployment", "Pod", "StatefulSet"},
    "CKV_K8S_38": {"Deployment", "Pod"},
    "CKV_K8S_43": {"DaemonSet", "Deployment", "Pod", "StatefulSet"},
}
"""Check: the kinds that need not pass it. SECURITY.md says why."""


def complaints(renderings: Mapping[str, str], progress: Progress) -> list[str]:
    """What is wrong with renderings of the chart, each with a name; a line for each finding.

    Raises:
        LocalError: checkov is not to be had, or broke off.
    """
    python = _environment(progress)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in renderings.items():
            (Path(folder) / f"{name}.yaml").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                *(python, "-m", "checkov.main", "--directory", folder),
                *("--framework", "kubernetes", "--output", "json", "--soft-fail"),
                # It runs without any account, and asks no server.
                *("--quiet", "--compact", "--skip-download"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise LocalError(f"checkov: {done.stdout}{done.stderr}") from error
    return list(judged(report))


def judged(report: dict[str, Any]) -> Iterator[str]:
    """What a report of checkov has that is no exception, and exceptions that nothing needs.

    A report on nothing says the second of all of them.
    """
    unneeded = {(check, kind) for check, kinds in EXCEPTIONS.items() for kind in kinds}
    for found in report.get("results", {}).get("failed_checks", ()):
        check, resource = found["check_id"], found["resource"]
        kind = resource.partition(".")[0]
        if kind in EXCEPTIONS.get(check, ()):
            unneeded.discard((check, kind))
        else:
            yield f"{check}, {found['check_name']}: {resource} in {found['file_path']}"
    for check, kind in sorted(unneeded):
        yield f"{check}: no {kind} needs this exception any more"


def _environment(progress: Progress) -> Path:
    """The Python that has checkov.

    Raises:
        LocalError: it cannot be installed.
    """
    version = ".".join(map(str, sys.version_info[:2]))
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    target = cache_directory().parent / "checkov" / f"{version}-{digest}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            progress.step("installing checkov from PyPI", "(about a minute, 300 MB)"),
            tempfile.TemporaryDirectory(dir=target.parent) as scratch,
        ):
            made = Path(scratch) / "environment"
            _uv("venv", "--python", sys.executable, str(made))
            options = ("--require-hashes", "--requirement", str(LOCK))
            _uv("pip", "install", "--python", str(made / "bin" / "python"), *options)
            if not target.exists():  # Another run may have been faster.
                made.rename(target)
    return target / "bin" / "python"


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"checkov: {done.stderr.strip()}")
