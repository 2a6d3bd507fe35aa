"""The command line as a whole, in this process, with servers that only say what they are told."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
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
def djob(monkeypatch, capsysbinary, tmp_path):
    """Runs ``djob`` as a user with a token and a kubeconfig of one cluster."""
    config = tmp_path / "kubeconfig"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:2"}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    config.write_text(json.dumps(document))

    def start(*arguments: str, **environment: str) -> Done:
        for name, value in ({"KUBECONFIG": str(config)} | TOKEN | environment).items():
            monkeypatch.setenv(name, value)
        capsysbinary.readouterr()
        code = run(["djob", *arguments])
        said = capsysbinary.readouterr()
        return Done(code, said.out, said.err.decode())

    return start


@dataclass
class Servers:
    """Stands for the network: answers by path, one for all or in turns, and what was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[requests.PreparedRequest] = field(default_factory=list)

    def path(self, at: int = -1) -> str:
        return urlsplit(self.asked[at].url).path

    def query(self, at: int = -1) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.asked[at].url).query)

    def sent(self, at: int = -1) -> Any:
        return json.loads(self.asked[at].body)

    def send(self, request: requests.PreparedRequest) -> Any:
        self.asked.append(request)
        path = urlsplit(request.url).path
        answer = self.answers.get(f"{request.method} {path}", self.answers.get(path))
        assert answer is not None, f"nobody expects {request.method} {path}"
        if isinstance(answer, Iterator):
            answer = next(answer)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url, request
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response.raw = io.BytesIO(data)
        return response


@pytest.fixture
def servers(monkeypatch) -> Servers:
    """The API server and the operator's endpoint."""
    made = Servers()
    monkeypatch.setattr(
        requests.adapters.HTTPAdapter, "send", lambda _, request, **__: made.send(request)
    )
    monkeypatch.setenv("DJOB_ENDPOINT", OPERATOR)
    return made
