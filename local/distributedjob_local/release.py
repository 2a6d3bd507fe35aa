"""The official releases, each file verified by its published checksum."""

import hashlib
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from distributedjob_local import versions
from distributedjob_local.machine import architecture
from distributedjob_local.progress import Progress
from distributedjob_local.sources import Provision

KUBERNETES_RELEASES: Final = "https://dl.k8s.io/release"
ETCD_RELEASES: Final = "https://github.com/etcd-io/etcd/releases/download"
KUBERNETES_PROGRAMS: Final = frozenset(
    {
        *("kube-apiserver", "kube-controller-manager", "kube-scheduler"),
        *("kubelet", "kube-proxy", "kubectl"),
    }
)
CONNECT_SECONDS: Final = 3.0
STALL_SECONDS: Final = 15.0
PIECE: Final = 1 << 20


class _RefusedError(Exception):
    """A release host does not give the file; the text says why."""


@dataclass(frozen=True, slots=True)
class OfficialRelease:
    """Downloads into the cache; a host that refuses once is not asked again."""

    cache: Path
    progress: Progress
    kubernetes_releases: str = KUBERNETES_RELEASES
    etcd_releases: str = ETCD_RELEASES
    connect_seconds: float = CONNECT_SECONDS
    stall_seconds: float = STALL_SECONDS

    @property
    def title(self) -> str:
        """How the source is called in a line to the user."""
        return "official release"

    def provide(self, names: Set[str]) -> Provision:
        """Download what is missing."""
        found: dict[str, Path] = {}
        reasons = []
        for wanted, get in (
            (names & KUBERNETES_PROGRAMS, self._kubernetes),
            (names & {"etcd"}, self._etcd),
        ):
            try:
                for name in sorted(wanted):
                    found[name] = get(name)
            except _RefusedError as error:
                reasons.append(str(error))
            except OSError as error:
                reasons.append(f"cannot save into {self.cache}: {error.strerror or error}")
        return Provision(found, "; ".join(reasons))

    def _kubernetes(self, name: str) -> Path:
        version = versions.kubernetes()
        url = f"{self.kubernetes_releases}/{version}/bin/linux/{architecture()}/{name}"
        with self._download(name, url, self._digest(f"{url}.sha256")) as file:
            return self._install(file, name)

    def _etcd(self, name: str) -> Path:
        version = versions.etcd()
        folder = f"etcd-{version}-linux-{architecture()}"
        archive = f"{folder}.tar.gz"
        digest = self._digest(f"{self.etcd_releases}/{version}/SHA256SUMS", archive)
        url = f"{self.etcd_releases}/{version}/{archive}"
        with (
            self._download(name, url, digest) as file,
            tarfile.open(file) as tar,
            tempfile.TemporaryDirectory(dir=self.cache) as scratch,
        ):
            member = tar.extractfile(f"{folder}/etcd")
            if member is None:
                raise _RefusedError(f"{url} holds no etcd")
            program = Path(scratch) / name
            program.write_bytes(member.read())
            return self._install(program, name)

    def _install(self, file: Path, name: str) -> Path:
        target = self.cache / name
        file.chmod(0o755)
        os.replace(file, target)
        return target

    def _get(self, url: str) -> requests.Response:
        try:
            limits = (self.connect_seconds, self.stall_seconds)
            response = requests.get(url, timeout=limits, stream=True)
        except requests.RequestException as error:
            raise _RefusedError(f"{url}: {_short(error)}") from error
        if response.status_code != requests.codes.ok:
            response.close()
            raise _RefusedError(f"{url}: {response.status_code} {response.reason}")
        return response

    def _text(self, url: str) -> str:
        try:
            with self._get(url) as response:
                return response.text
        except requests.RequestException as error:
            raise _RefusedError(f"{url}: {_short(error)}") from error

    def _digest(self, url: str, file: str = "") -> str:
        """A published checksum; a login page in its place is a refusal like any other."""
        listed = rf"\s+\*?{re.escape(file)}" if file else ""
        found = re.search(rf"^([0-9a-f]{{64}}){listed}\s*$", self._text(url), re.MULTILINE)
        if found is None:
            raise _RefusedError(f"{url}: holds no checksum")
        return found[1]

    @contextmanager
    def _download(self, name: str, url: str, digest: str) -> Iterator[Path]:
        """The verified file, in the cache's own directory until it is installed."""
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.cache, delete=False) as file:
            path = Path(file.name)
            try:
                self._fetch(name, url, digest, path)
                yield path
            finally:
                path.unlink(missing_ok=True)

    def _fetch(self, name: str, url: str, digest: str, path: Path) -> None:
        seen = hashlib.sha256()
        try:
            with (
                self.progress.step(f"downloading {name}"),
                self._get(url) as response,
                path.open("wb") as file,
            ):
                for piece in response.iter_content(PIECE):
                    seen.update(piece)
                    file.write(piece)
        except requests.RequestException as error:
            raise _RefusedError(f"{url}: {_short(error)}") from error
        if seen.hexdigest() != digest:
            raise _RefusedError(f"{url}: does not match its published checksum")


def _short(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
