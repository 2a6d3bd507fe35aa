"""The command line as a whole, in this process, with servers that only say what they are told."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from distributedjob_cli.__main__ import run

TOKEN = {"DJOB_TOKEN": "t0ken"}
OPERATOR = "http://127.0.0.1:1"


@dataclass
class Done:
    """How a command line ended."""

    exit_code: int
    stdout_bytes: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode()


@pytest.fixture
def djob_config(tmp_path):
    """Writes the kubeconfig of one cluster, and returns its path."""
    config = tmp_path / "kubeconfig"

    def write(user: dict[str, Any]) -> Path:
        document = {
            "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:2"}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        config.write_text(json.dumps(document))
        return config

    write({"token": "secret"})
    return write


@pytest.fixture
def djob(monkeypatch, capsysbinary, tmp_path, djob_config):
    """Runs ``djob`` as a user with a token and a kubeconfig of one cluster."""
    config = str(tmp_path / "kubeconfig")

    def start(*arguments: str, **environment: str) -> Done:
        for name, value in ({"KUBECONFIG": config} | TOKEN | environment).items():
            monkeypatch.setenv(name, value)
        capsysbinary.readouterr()
        code = run(["djob", *arguments])
        said = capsysbinary.readouterr()
        return Done(code, said.out, said.err.decode())

    return start


class CutOff(bytes):
    """An answer of which the connection breaks behind these bytes."""


class Cut(io.BytesIO):
    """Such an answer as it is read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if not (piece := super().read(size)):
            raise requests.ConnectionError("reset")
        return piece


@dataclass
class Servers:
    """Stands for the network: answers by path, one for all or in turns, and what was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[requests.PreparedRequest] = field(default_factory=list)
    certificates: list[Any] = field(default_factory=list)

    @staticmethod
    def cut_off(text: bytes) -> CutOff:
        """An answer that breaks off behind a text."""
        return CutOff(text)

    def path(self, at: int = -1) -> str:
        return urlsplit(self.asked[at].url).path

    def query(self, at: int = -1) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.asked[at].url).query)

    def sent(self, at: int = -1) -> Any:
        return json.loads(self.asked[at].body)

    def send(self, request: requests.PreparedRequest, cert: Any = None, **_: Any) -> Any:
        """The answer, which may be a function of the request, or an error to raise."""
        self.asked.append(request)
        self.certificates.append(cert)
        path = urlsplit(request.url).path
        answer = self.answers.get(f"{request.method} {path}", self.answers.get(path))
        assert answer is not None, f"nobody expects {request.method} {path}"
        answer = answer(request) if callable(answer) else answer
        if isinstance(answer, Iterator):
            answer = next(answer)
        if isinstance(answer, Exception):
            raise type(answer)(*answer.args)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url, request
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response.raw = Cut(data) if isinstance(body, CutOff) else io.BytesIO(data)
        return response


@pytest.fixture
def servers(monkeypatch) -> Servers:
    """The API server and the operator's endpoint."""
    made = Servers()
    monkeypatch.setattr(
        requests.adapters.HTTPAdapter,
        "send",
        lambda _, request, **more: made.send(request, more.get("cert")),
    )
    monkeypatch.setenv("DJOB_ENDPOINT", OPERATOR)
    return made
