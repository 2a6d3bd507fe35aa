"""NATS with TLS: who connects, what a wrong authority is told as, and a certificate's renewal."""

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from distributedjob_local.component import free_port
from tests.integration.test_operator_process import given, operator
from tests.support.charts import CHART
from tests.support.waiting import wait_until
from tests.support.worker_driver import agent_process, fake_leader

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Authority:
    """A certificate authority that openssl makes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.certificate, self._key = folder / "ca.crt", folder / "ca.key"
        files = ("-keyout", self._key, "-out", self.certificate)
        subprocess.run(
            ["openssl", "req", "-x509", *KEY, "-subj", "/CN=authority", *files],
            check=True,
            capture_output=True,
        )

    def sign(self, folder: Path) -> None:
        """Put a certificate for loopback into a folder, as cert-manager puts it into a Secret."""
        folder.mkdir(exist_ok=True)
        names = ("-subj", "/CN=nats", "-addext", "subjectAltName=IP:127.0.0.1")
        signed = ("-CA", self.certificate, "-CAkey", self._key)
        files = ("-keyout", folder / "tls.key.new", "-out", folder / "tls.crt.new")
        subprocess.run(
            ["openssl", "req", "-x509", *KEY, *names, *signed, *files],
            check=True,
            capture_output=True,
        )
        for name in ("tls.key", "tls.crt"):
            (folder / f"{name}.new").replace(folder / name)


@dataclass(frozen=True)
class Server:
    """A NATS server with TLS and the reloader that the chart puts beside it."""

    port: int
    authority: Authority
    certificate: Path

    @property
    def url(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def presented(self) -> bytes:
        """The certificate that it shows to who connects now; none while it does not listen."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.recv(4096)
                with context.wrap_socket(connection, server_hostname="127.0.0.1") as secured:
                    return secured.getpeercert(binary_form=True) or b""
        except OSError:
            return b""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    authority = Authority(tmp_path / "authority")
    tls = tmp_path / "tls"
    authority.sign(tls)
    with listening(tmp_path, authority, tls) as started:
        yield started


@contextmanager
def listening(folder: Path, authority: Authority, tls: Path) -> Iterator[Server]:
    server = Server(free_port(), authority, tls)
    template = {
        "listen": f"127.0.0.1:{server.port}",
        "jetstream": {"store_dir": str(folder / "store")},
        "authorization": {"users": [{"user": "any"}]},
        "no_auth_user": "any",
        "tls": {"cert_file": str(tls / "tls.crt"), "key_file": str(tls / "tls.key")},
    }
    (folder / "nats.json").write_text(json.dumps(template))
    (folder / "keys").mkdir()
    (folder / "keys" / "any").write_text("a password that nobody needs here")
    target, pid = folder / "complete.json", folder / "pid"
    script = (sys.executable, "-I", CHART / "files" / "nats_config.py")
    files = (folder / "nats.json", folder / "keys", target)
    subprocess.run([*script, *files], check=True)
    nats = (Path(sys.executable).parent / "nats-server", "-c", target, "-P", pid)
    watching = ("--watch", "--pid", pid, "--certificate", tls)
    with (
        (folder / "nats-log").open("wb") as log,
        subprocess.Popen(nats, stderr=log) as process,
        subprocess.Popen([*script, *files, *watching], stdout=subprocess.DEVNULL) as reloader,
    ):
        try:
            wait_until(server.presented, bool, 20, "the server listens")
            yield server
        finally:
            reloader.kill()
            process.kill()


def trusted(tmp_path: Path, authority: Authority) -> Path:
    """The file by which a client knows the authority, as the kubelet mounts it."""
    file = tmp_path / "trusted.crt"
    file.write_bytes(authority.certificate.read_bytes())
    return file


def complaints(log: Path) -> list[str]:
    """What is said about the server's certificate."""
    return [line for line in log.read_text().splitlines() if "CERTIFICATE_VERIFY" in line]


async def test_a_worker_trusts_its_authority_alone(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority.certificate))
    file = trusted(tmp_path, Authority(tmp_path / "another"))
    folder = tmp_path / "worker"
    async with fake_leader(server.url) as leader:
        with agent_process(server.url, folder, SSL_CERT_FILE=str(file)) as agent:
            wait_until(lambda: complaints(folder / "log"), bool, 20, "a complaint")
            refused = tmp_path / "nats-log"
            wait_until(refused.read_text, lambda said: said.count("TLS") > 4, 20, "attempts")
            assert leader.hello is None
            assert not agent.ready_file.exists()

            trusted(tmp_path, server.authority)

            await leader.granted()
            wait_until(agent.ready_file.exists, bool, 10, "it is ready")
    log = (folder / "log").read_text()
    assert len(complaints(folder / "log")) == 1
    assert "SSL_CERT_FILE" in complaints(folder / "log")[0]
    assert "Traceback" not in log


def test_an_operator_trusts_its_authority_alone(server: Server, tmp_path: Path) -> None:
    file = trusted(tmp_path, Authority(tmp_path / "another"))
    listen = f"127.0.0.1:{free_port()}"
    environment = given(
        tmp_path,
        DJOB_NATS_URL=server.url,
        DJOB_ENDPOINT_LISTEN=listen,
        SSL_CERT_FILE=str(file),
    )

    def missing() -> str:
        with suppress(requests.ConnectionError):
            answer = requests.get(f"http://{listen}/readyz", timeout=10)
            return "" if answer.ok else answer.text
        return ""

    log = tmp_path / "operator-log"
    with operator(environment, log):
        wait_until(lambda: complaints(log), bool, 30, "a complaint")
        wait_until(missing, lambda said: "NATS" in said, 20, "not ready for NATS")

        trusted(tmp_path, server.authority)

        # It is the API server now that is not there.
        wait_until(missing, lambda said: bool(said) and "NATS" not in said, 30, "NATS is there")
    assert len(complaints(log)) == 1
    assert "SSL_CERT_FILE" in complaints(log)[0]
    assert "Traceback" not in log.read_text()


async def test_a_renewed_certificate_is_shown_and_cuts_nobody_off(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority.certificate))
    own = {"SSL_CERT_FILE": str(server.authority.certificate)}
    async with fake_leader(server.url) as leader:
        with agent_process(server.url, tmp_path / "worker", **own):
            await leader.granted()
            session, before = leader.session, server.presented()

            server.authority.sign(server.certificate)

            wait_until(server.presented, lambda shown: shown not in (b"", before), 20, "the new")
            seen = leader.last
            await leader.until(lambda: leader.last is not seen)
            assert leader.session == session
