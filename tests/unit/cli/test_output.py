"""``djob output``: who asks whom, with which token, and what is said when it cannot be."""

import io
import json

import pytest
import requests

from distributedjob_cli.client.kubeconfig import KubeconfigError, read_kubeconfig
from distributedjob_cli.show.terminal import copy


def kubeconfig(folder, name="config", **changes):
    document = {
        "clusters": [
            {"name": "c", "cluster": {"server": "https://api", **changes.pop("cluster", {})}}
        ],
        "users": [{"name": "u", "user": changes.pop("user", {"token": "secret"})}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
        "current-context": "x",
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def test_the_current_context_gives_cluster_user_and_namespace(tmp_path):
    config = read_kubeconfig(kubeconfig(tmp_path), "", {})
    assert config.cluster == {"server": "https://api"}
    assert (config.credential().token, config.namespace) == ("secret", "team")


def test_of_several_files_the_first_that_knows_a_name_decides(tmp_path):
    first = kubeconfig(tmp_path, "first", users=[], contexts=[])
    second = kubeconfig(tmp_path, "second", cluster={"server": "https://other"})
    missing = tmp_path / "missing"
    config = read_kubeconfig(None, "", {"KUBECONFIG": f"{missing}:{first}:{second}"})
    assert config.cluster["server"] == "https://api"
    assert config.credential().token == "secret"


def test_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "token").write_text("from-file\n")
    path = kubeconfig(
        tmp_path, user={"tokenFile": "token"}, cluster={"certificate-authority": "ca"}
    )
    config = read_kubeconfig(path, "", {})
    assert config.credential().token == "from-file"
    assert config.cluster["certificate-authority"] == str(tmp_path / "ca")


@pytest.mark.parametrize(
    ("user", "proof"),
    [({}, "has no"), ({"client-certificate-data": "eA=="}, "has a client certificate and no")],
    ids=["nothing", "certificate"],
)
def test_a_user_without_token_is_told_how_to_get_one(tmp_path, user, proof):
    config = read_kubeconfig(kubeconfig(tmp_path, user=user), "", {})
    with pytest.raises(KubeconfigError) as raised:
        config.credential()
    assert f"the kubeconfig's user 'u' {proof} bearer token" in str(raised.value)
    assert "`export DJOB_TOKEN=$(kubectl create token SERVICE-ACCOUNT -n team)`" in str(
        raised.value
    )


def plugin(script, **more):
    return {"exec": {"command": "sh", "args": ["-c", script], **more}}


def test_a_credential_plugin_gives_the_token(tmp_path):
    script = """echo "{\\"status\\": {\\"token\\": \\"$GIVEN\\"}}" """
    user = plugin(script, env=[{"name": "GIVEN", "value": "from-plugin"}])
    config = read_kubeconfig(kubeconfig(tmp_path, user=user), "", {})
    assert (config.has_token, config.credential().token) == (True, "from-plugin")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "credential plugin sh failed"),
        ("echo hello", "printed no ExecCredential"),
        ("echo []", "printed no ExecCredential"),
        ("echo '{\"status\": {}}'", "kubectl create token"),
    ],
)
def test_what_a_credential_plugin_does_wrong_is_said(tmp_path, script, message):
    config = read_kubeconfig(kubeconfig(tmp_path, user=plugin(script)), "", {})
    with pytest.raises(KubeconfigError, match=message):
        config.credential()


def test_without_any_kubeconfig_the_embedded_cluster_is_meant(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(KubeconfigError, match="djob local up"):
        read_kubeconfig(None, "", {})
    kubeconfig((tmp_path / "distributedjobs" / "local"), "kubeconfig")
    assert read_kubeconfig(None, "", {}).namespace == "team"


@pytest.mark.parametrize(
    ("changes", "context", "message"),
    [
        ({"current-context": ""}, "", "no current context"),
        ({}, "other", "no context 'other'"),
        ({"clusters": []}, "", "no cluster 'c'"),
        ({"users": None}, "", "no user 'u'"),
        ({"users": "many"}, "", "no list of users"),
    ],
)
def test_what_a_kubeconfig_lacks_is_named(tmp_path, changes, context, message):
    with pytest.raises(KubeconfigError, match=message):
        read_kubeconfig(kubeconfig(tmp_path, **changes), context, {})


@pytest.mark.parametrize("content", [b"\t{", b"- a", b"\xff\xfe\xff"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path, content):
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(KubeconfigError, match=str(path)):
        read_kubeconfig(path, "", {})


class Answers:
    """Stands for ``requests``: one answer, and the requests that got it."""

    def __init__(self, monkeypatch, status=200, body=b"", error=None):
        self.asked = []
        self.headers = {}

        def send(adapter, request, **_):
            self.asked.append(request)
            if error is not None:
                raise error
            response = requests.Response()
            response.status_code, response.url, response.request = status, request.url, request
            response.raw = io.BytesIO(body)
            response.headers.update(self.headers)
            return response

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)


@pytest.fixture
def run(djob):
    """Runs ``djob output``."""
    return lambda *arguments, **environment: djob("output", *arguments, **environment)


def test_output_is_printed_byte_for_byte(monkeypatch, run):
    answers = Answers(monkeypatch, body=b"\x00\xff\n")
    result = run("job", "-n", "team", "--stream", "stderr", DJOB_ENDPOINT="http://127.0.0.1:1")
    assert (result.exit_code, result.stdout_bytes) == (0, b"\x00\xff\n")
    assert answers.asked[0].url == (
        "http://127.0.0.1:1/v1/namespaces/team/distributedjobs/job/output?stream=stderr"
    )


def test_output_that_is_not_whole_is_printed_and_said_with_exit_code_3(monkeypatch, run):
    answers = Answers(monkeypatch, body=b"kept\n")
    answers.headers = {"Djob-Missing": "4", "Djob-Missing-Indexes": "1-3,7"}
    result = run("job", "--endpoint", "http://127.0.0.1:1")
    assert (result.exit_code, result.stdout_bytes) == (3, b"kept\n")
    assert "no record of 4 tasks with an outcome: 1-3,7" in result.stderr


def test_a_refusal_is_one_line_and_exit_code_1(monkeypatch, run):
    Answers(monkeypatch, 404, b"there is no such DistributedJob\n")
    result = run("job", "--endpoint", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "there is no DistributedJob 'job' in namespace 'default'; see them with" in result.stderr


def test_no_answer_is_one_line_and_exit_code_1(monkeypatch, run):
    refused = requests.ConnectionError()
    refused.__cause__ = OSError(111, "Connection refused")
    Answers(monkeypatch, error=refused)
    result = run("job", "--endpoint", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "http://127.0.0.1:1 does not answer: Connection refused" in result.stderr


@pytest.mark.parametrize("token", ["t\u00f6ken", "two\nlines"])
def test_what_is_no_token_is_not_sent(monkeypatch, run, token):
    answers = Answers(monkeypatch)
    result = run("job", "--endpoint", "http://127.0.0.1:1", DJOB_TOKEN=token)
    assert (result.exit_code, answers.asked) == (1, [])
    assert "no bearer token has" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["team/job"],
        ["job", "--lease", "x"],
        ["job", "--endpoint", "x"],
        ["job", "--endpoint", "http://[::bad"],
        ["job", "--endpoint", "http://host:port"],
        ["job", "--endpoint", "http://host:70000"],
        ["job", "--endpoint", "http://"],
        ["job", "--stream", "x"],
        [],
    ],
)
def test_wrong_usage_is_exit_code_2(run, arguments):
    assert run(*arguments).exit_code == 2


def test_a_reader_that_stops_reading_ends_it_quietly(tmp_path):
    class Closed(io.FileIO):
        def write(self, _):
            raise BrokenPipeError

    with Closed(tmp_path / "file", "w") as target, pytest.raises(Exception) as ended:  # noqa: PT011
        copy([b"x"], target)
    assert ended.value.exit_code == 141
