"""The cluster as the stories see it: kubectl, helm, and the images that are on its nodes."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.e2e.provider import Provider

PROJECT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A provider that was started, and the programs that a user has."""

    provider: Provider
    programs: Mapping[str, Path]
    images: Mapping[str, str]
    """Role: the name of its image."""
    registry: str
    """Where README's commands find them."""

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as a user would."""
        return self.run("kubectl", *arguments, input=input, check=check)

    def helm(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run helm as a user would."""
        return self.run("helm", *arguments, check=check)

    def with_helm(self, program: Path, folder: Path) -> "Cluster":
        """The same one, with this program as ``helm``; the folder gets it by that name."""
        link = folder / "helm"
        link.symlink_to(program)
        others = {name: path for name, path in self.programs.items() if name != "helm"}
        # PATH is in this order.
        return replace(self, programs={"helm": link, **others})

    def get(self, *arguments: str) -> dict[str, Any]:
        """What ``kubectl get`` says of an object or a list."""
        document: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)
        return document

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The items of what ``kubectl get`` lists."""
        found: list[dict[str, Any]] = self.get(*arguments)["items"]
        return found

    def run(
        self,
        program: str,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on this cluster.

        Raises:
            AssertionError: it failed; the message has all it said.
        """
        done = subprocess.run(
            [self.programs.get(program, program), *arguments],
            cwd=PROJECT,
            env=self.environment,
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            said = f"{done.stdout}{done.stderr}"
            raise AssertionError(f"{program} {' '.join(arguments)}: {done.returncode}\n{said}")
        return done

    @property
    def environment(self) -> dict[str, str]:
        """Of a user of this cluster."""
        folders = dict.fromkeys(str(path.parent) for path in self.programs.values())
        return {
            **os.environ,
            "KUBECONFIG": str(self.provider.kubeconfig),
            "PATH": os.pathsep.join([*folders, os.environ["PATH"]]),
            "REGISTRY": self.registry,
        }
