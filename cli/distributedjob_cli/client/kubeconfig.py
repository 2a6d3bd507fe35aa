"""Which cluster the user means and who they are there, read as kubectl reads it."""

import json
import math
import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

from distributedjob_cli.client.credentials import Credential
from distributedjob_cli.errors import CliError

EXEC_SECONDS: Final = 60.0
FILE_SECONDS: Final = 60.0
"""After so long a token file is read again, as client-go does."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Wherever PyYAML was built with libyaml, that is ten times as fast."""

# Paths in a kubeconfig are relative to the file that they stand in.
_PATHS: Final = {
    "cluster": ("certificate-authority",),
    "user": ("tokenFile", "client-certificate", "client-key"),
    "context": (),
}


class KubeconfigError(CliError):
    """The text is the whole message, and says which file or name is at fault."""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """One context: the cluster, the user and the namespace that it joins."""

    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    namespace: str = "default"
    user_name: str = ""

    @property
    def has_token(self) -> bool:
        """Whether the user proves who they are with a bearer token."""
        return any(self.user.get(key) for key in ("token", "tokenFile", "exec"))

    @property
    def has_certificate(self) -> bool:
        """Whether the user proves who they are with a client certificate."""
        return any(self.user.get(f"client-certificate{end}") for end in ("", "-data"))

    def credential(self) -> Credential:
        """The user's bearer token, as it is now.

        Raises:
            KubeconfigError: the user proves who they are in another way.
        """
        found = Credential("")
        if token := self.user.get("token"):
            found = Credential(str(token))
        elif file := self.user.get("tokenFile"):
            found = _from_file(str(file))
        elif plugin := self.user.get("exec"):
            found = _from_plugin(plugin)
        if not found.token:
            raise KubeconfigError(self._without())
        return found

    def _without(self) -> str:
        user = f"user {self.user_name!r}" if self.user_name else "user"
        proof = "has a client certificate and no" if self.has_certificate else "has no"
        return (
            f"the kubeconfig's {user} {proof} bearer token, which the operator asks for; run"
            f" `export DJOB_TOKEN=$(kubectl create token SERVICE-ACCOUNT -n {self.namespace})`"
            " with an account that may get distributedjobs/log"
        )


def _from_file(file: str) -> Credential:
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"cannot read the token file {file}: {error}") from error
    return Credential(text, time.time() + FILE_SECONDS)


def _from_plugin(plugin: Mapping[str, Any]) -> Credential:
    """The token that a credential plugin prints, as client-go asks it; empty without one."""
    name = str(plugin.get("command"))
    version = plugin.get("apiVersion", "client.authentication.k8s.io/v1")
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    try:
        added = {str(each["name"]): str(each["value"]) for each in plugin.get("env") or ()}
        done = subprocess.run(
            [name, *map(str, plugin.get("args") or ())],
            env={**os.environ, **added, "KUBERNETES_EXEC_INFO": json.dumps(asked)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=EXEC_SECONDS,
            check=True,
        )
        status = json.loads(done.stdout)["status"]
        ends = status.get("expirationTimestamp")
        expires = datetime.fromisoformat(ends).timestamp() if ends else math.inf
        return Credential(str(status.get("token") or ""), expires)
    except (OSError, subprocess.SubprocessError) as error:
        raise KubeconfigError(
            f"the kubeconfig's credential plugin {name} failed: {error}"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KubeconfigError(
            f"the kubeconfig's credential plugin {name} printed no ExecCredential"
        ) from error


def read_kubeconfig(
    explicit: Path | None, context: str, environment: Mapping[str, str] = os.environ
) -> Kubeconfig:
    """Read ``explicit``, else the files of ``KUBECONFIG``, else ``~/.kube/config``.

    Where there is none of them, the cluster of ``djob local up`` is meant.

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
        user_name=str(joined.get("user") or ""),
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
    if not (found or listed) and (embedded := _embedded()).exists():
        return [embedded]
    if not found:
        names = ", ".join(map(str, wanted))
        raise KubeconfigError(
            f"no kubeconfig in {names}; set KUBECONFIG or pass --kubeconfig,"
            " or start a cluster of your own: djob local up"
        )
    return found


def _embedded() -> Path:
    from distributedjob_local.state import StateDirectory, default_state_directory

    return StateDirectory(default_state_directory()).kubeconfig


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
        document = yaml.load(file.read_bytes(), Loader=_LOADER)  # noqa: S506 - a safe one
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
