"""Versions of the programs, read from the go.mod files that also build them."""

import re
from pathlib import Path

MODULES = Path(__file__).parent


def required(module: str, path: str) -> str:
    """The version of ``path`` in the go.mod of the directory ``module``."""
    text = (MODULES / module / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"^\s*(?:require )?{re.escape(path)} (v\S+)", text, re.MULTILINE)
    if found is None:
        raise LookupError(f"{module}/go.mod does not require {path}")
    return found[1]


def go_directive(module: str) -> tuple[int, ...]:
    """The oldest Go that builds the directory ``module``."""
    text = (MODULES / module / "go.mod").read_text(encoding="utf-8")
    found = re.search(r"^go ([0-9.]+)$", text, re.MULTILINE)
    if found is None:
        raise LookupError(f"{module}/go.mod has no go line")
    return tuple(int(part) for part in found[1].split("."))


def kubernetes() -> str:
    """The version of kube-apiserver, kubectl and kube-controller-manager."""
    return required("controlplane", "k8s.io/kubernetes")


def etcd() -> str:
    """The version of etcd."""
    return required("controlplane", "go.etcd.io/etcd/server/v3")
