"""Official releases: what is verified is kept, what is refused leaves nothing behind."""

import errno
import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from distributedjob_local import versions
from distributedjob_local.machine import architecture
from distributedjob_local.progress import Progress
from distributedjob_local.release import OfficialRelease

PROGRAM = b"#!/bin/sh\nexit 0\n"


class ReleaseHost:
    """A local release host; a path without a body is refused."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.asked: list[str] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append(self.path)
                body = host.bodies.get(self.path)
                self.send_response(403 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *arguments: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def publish_kubernetes(self, name: str, body: bytes, digest: str | None = None) -> None:
        path = f"/{versions.kubernetes()}/bin/linux/{architecture()}/{name}"
        self.bodies[path] = body
        self.bodies[f"{path}.sha256"] = (digest or hashlib.sha256(body).hexdigest()).encode()

    def publish_etcd(self, digest: str | None = None) -> None:
        folder = f"etcd-{versions.etcd()}-linux-{architecture()}"
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            member = tarfile.TarInfo(f"{folder}/etcd")
            member.size = len(PROGRAM)
            archive.addfile(member, io.BytesIO(PROGRAM))
        body = file.getvalue()
        digest = digest or hashlib.sha256(body).hexdigest()
        base = f"/{versions.etcd()}"
        self.bodies[f"{base}/{folder}.tar.gz"] = body
        self.bodies[f"{base}/SHA256SUMS"] = f"{digest}  {folder}.tar.gz\n".encode()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseHost]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    started = ReleaseHost()
    yield started
    started.close()


def release(cache: Path, url: str) -> OfficialRelease:
    return OfficialRelease(cache, Progress(), url, url, connect_seconds=0.3, stall_seconds=0.3)


def test_verified_programs_are_kept_ready_to_run(host: ReleaseHost, tmp_path: Path) -> None:
    host.publish_kubernetes("kubectl", PROGRAM)
    host.publish_etcd()

    provision = release(tmp_path, host.url).provide({"kubectl", "etcd"})

    assert provision.reason == ""
    assert provision.found == {"kubectl": tmp_path / "kubectl", "etcd": tmp_path / "etcd"}
    for path in provision.found.values():
        assert path.read_bytes() == PROGRAM
        assert path.stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in tmp_path.iterdir()) == ["etcd", "kubectl"]


def test_a_wrong_checksum_is_refused_and_leaves_nothing(host: ReleaseHost, tmp_path: Path) -> None:
    host.publish_kubernetes("kubectl", PROGRAM, digest="0" * 64)
    host.publish_etcd(digest="0" * 64)

    provision = release(tmp_path, host.url).provide({"kubectl", "etcd"})

    assert provision.found == {}
    assert "kubectl: does not match its published checksum" in provision.reason
    assert ".tar.gz: does not match its published checksum" in provision.reason
    assert list(tmp_path.iterdir()) == []


def test_a_login_page_instead_of_a_checksum_is_refused(host: ReleaseHost, tmp_path: Path) -> None:
    page = b"<html>\n<body>Please log in</body>\n</html>\n"
    host.bodies[f"/{versions.etcd()}/SHA256SUMS"] = page
    kubectl = f"/{versions.kubernetes()}/bin/linux/{architecture()}/kubectl"
    host.bodies[f"{kubectl}.sha256"] = page

    provision = release(tmp_path, host.url).provide({"kubectl", "etcd"})

    assert provision.found == {}
    assert "kubectl.sha256: holds no checksum" in provision.reason
    assert "SHA256SUMS: holds no checksum" in provision.reason


def test_a_cache_that_takes_no_file_is_a_reason(
    host: ReleaseHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    host.publish_kubernetes("kubectl", PROGRAM)
    monkeypatch.setattr("os.replace", full)

    provision = release(tmp_path, host.url).provide({"kubectl"})

    assert provision.found == {}
    assert provision.reason == f"cannot save into {tmp_path}: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_refuses_is_asked_once(host: ReleaseHost, tmp_path: Path) -> None:
    provision = release(tmp_path, host.url).provide({"kube-apiserver", "kubectl"})

    assert provision.found == {}
    assert "403" in provision.reason
    assert len(host.asked) == 1


def test_a_host_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        provision = release(tmp_path, url).provide({"kubectl"})

    assert provision.found == {}
    assert "no answer in time" in provision.reason


def test_an_unreachable_host_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    provision = release(tmp_path, url).provide({"etcd"})

    assert provision.found == {}
    assert "no connection" in provision.reason
