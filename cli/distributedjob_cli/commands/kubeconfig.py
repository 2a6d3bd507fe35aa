"""Which cluster the user means and who they are there, read as kubectl reads it."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

# Paths in a kubeconfig are relative to the file that they stand in.
_PATHS: Final = {"cluster": ("certificate-authority",), "user": ("tokenFile",), "context": ()}


class KubeconfigError(Exception):
    """The text is the whole message, and says which file or name is at fault."""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """One context: the cluster, the user and the namespace that it joins."""

    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    namespace: str = "default"

    def token(self) -> str:
        """The user's bearer token.

        Raises:
            KubeconfigError: the user proves who they are in another way.
        """
        token = self.user.get("token")
        if not token and (file := self.user.get("tokenFile")):
            try:
                token = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise KubeconfigError(f"cannot read the token file {file}: {error}") from error
        if not token:
            raise KubeconfigError(
                "the kubeconfig's user has no bearer token, which the operator asks for;"
                " make one with `kubectl create token SERVICE-ACCOUNT` and pass it in DJOB_TOKEN"
            )
        return str(token)


def read_kubeconfig(
    explicit: Path | None, context: str, environment: Mapping[str, str] = os.environ
) -> Kubeconfig:
    """Read ``explicit``, else the files of ``KUBECONFIG``, else ``~/.kube/config``.

    Raises:
        KubeconfigError: nothing usable is there.
    """
    merged = _merge([explicit] if explicit else _default_files(environment))
    name = context or merged["current-context"]
    if not name:
        raise KubeconfigError("the kubeconfig has no current context; choose one with --context")
    joined = _entry(merged, "context", name)
    return Kubeconfig(
        cluster=_entry(merged, "cluster", joined.get("cluster")),
        user=_entry(merged, "user", joined.get("user")) if joined.get("user") else {},
        namespace=str(joined.get("namespace") or "default"),
    )


def _default_files(environment: Mapping[str, str]) -> list[Path]:
    listed = [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    try:
        wanted = listed or [Path("~/.kube/config").expanduser()]
    except RuntimeError as error:
        raise KubeconfigError(
            "there is no home directory with a kubeconfig; set KUBECONFIG or pass --kubeconfig"
        ) from error
    found = [path for path in wanted if path.exists()]
    if not found:
        names = ", ".join(map(str, wanted))
        raise KubeconfigError(f"no kubeconfig in {names}; set KUBECONFIG or pass --kubeconfig")
    return found


def _merge(files: Iterable[Path]) -> dict[str, Any]:
    """The first file that has a name decides what it stands for, as with kubectl."""
    merged: dict[str, Any] = {"current-context": "", "cluster": {}, "user": {}, "context": {}}
    for file in files:
        document = _parse(file)
        merged["current-context"] = merged["current-context"] or document.get("current-context")
        for kind, paths in _PATHS.items():
            for entry in _entries(document, kind, file):
                body = dict(entry.get(kind) or {})
                for key in paths:
                    if body.get(key):
                        body[key] = str(file.absolute().parent / str(body[key]))
                merged[kind].setdefault(entry.get("name"), body)
    return merged


def _parse(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise KubeconfigError(f"cannot read the kubeconfig {file}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"the kubeconfig {file} is not YAML") from error
    if not isinstance(document, dict):
        raise KubeconfigError(f"the kubeconfig {file} is no kubeconfig")
    return document


def _entries(document: dict[str, Any], kind: str, file: Path) -> list[dict[str, Any]]:
    entries = document.get(f"{kind}s") or []
    usable = isinstance(entries, list) and all(
        isinstance(each, dict) and isinstance(each.get(kind) or {}, dict) for each in entries
    )
    if not usable:
        raise KubeconfigError(f"the kubeconfig {file} has no list of {kind}s where it should")
    return entries


def _entry(merged: dict[str, Any], kind: str, name: object) -> dict[str, Any]:
    if name not in merged[kind]:
        raise KubeconfigError(f"the kubeconfig has no {kind} {name!r}")
    entry: dict[str, Any] = merged[kind][name]
    return entry
