"""``djob convert``: manifests in, manifests out, the rest on standard error."""

import pytest
import yaml
from typer.testing import CliRunner

from distributedjob_cli.app import app

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: NAME}
spec:
  completions: 5
  parallelism: 2
  completionMode: Indexed
  backoffLimitPerIndex: 1
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: main, image: perl, command: [sum], resources: {requests: {cpu: 1}}}
"""
NOTE = "spec.template.spec.containers[0].image: not carried over (perl)"


def job(name="sums"):
    return JOB.replace("NAME", name)


def inline(name):
    return "\n".join(f"  {line}" for line in job(name).splitlines()).replace("  ", "- ", 1)


@pytest.fixture
def convert(tmp_path):
    def run(*texts, arguments=(), standard_input=None):
        files = []
        for number, text in enumerate(texts):
            file = tmp_path / f"{number}.yaml"
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
            files += ["-f", str(file)]
        return CliRunner().invoke(app, ["convert", *files, *arguments], input=standard_input)

    return run


def names(result):
    return [document["metadata"]["name"] for document in yaml.safe_load_all(result.stdout)]


def test_a_job_becomes_a_distributed_job_and_the_image_is_named(convert):
    result = convert(job())
    assert result.exit_code == 0
    made = yaml.safe_load(result.stdout)
    assert (made["kind"], made["spec"]["completions"]) == ("DistributedJob", 5)
    assert result.stderr.startswith(f"Job sums: {NOTE}")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([f"{job('a')}---\n{job('b')}"], ["a", "b"], id="several documents"),
        pytest.param([job("a"), job("b")], ["a", "b"], id="several files"),
        pytest.param([f"---\n---\n{job('a')}---\n"], ["a"], id="empty documents"),
        pytest.param(
            [f"kind: List\napiVersion: v1\nitems:\n{inline('a')}\n{inline('b')}\n"],
            ["a", "b"],
            id="a list",
        ),
        pytest.param(
            [f"kind: JobList\napiVersion: batch/v1\nitems:\n{inline('a')}\n---\n{job('b')}"],
            ["a", "b"],
            id="a list of Jobs beside a Job",
        ),
        pytest.param(
            [f"kind: ConfigMap\nmetadata: {{name: c}}\n---\n{job('a')}"], ["a"], id="other objects"
        ),
    ],
)
def test_every_job_of_every_document_is_converted(convert, texts, expected):
    result = convert(*texts)
    assert result.exit_code == 0, result.stderr
    assert names(result) == expected


def test_objects_of_other_kinds_are_named(convert):
    result = convert(f"kind: ConfigMap\nmetadata: {{name: c}}\n---\n{job()}")
    assert "ConfigMap c: left out, since it is no Job" in result.stderr.splitlines()


def test_a_dash_is_standard_input(convert):
    result = convert(arguments=["-f", "-"], standard_input=job())
    assert (result.exit_code, names(result)) == (0, ["sums"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: [", "0.yaml: no YAML (line 1)", id="no YAML"),
        pytest.param("!!python/object:os.system {}", "no YAML", id="a tag that runs code"),
        pytest.param(b"\xff\xfe\xff", "0.yaml: ", id="no text"),
        pytest.param("[" * 5000, "no YAML", id="deep nesting"),
        pytest.param("hello", "'hello' is no object", id="a word"),
        pytest.param("", "there is no batch/v1 Job", id="nothing"),
        pytest.param("kind: Pod", "there is no batch/v1 Job", id="no Job"),
        pytest.param("kind: List\nitems: 1", "items must be a list", id="a list of no list"),
        pytest.param("kind: List\nitems: [1]", "1 is no object", id="a list of numbers"),
        pytest.param(
            job().replace("completions: 5", "completions: many"),
            "0.yaml: Job sums: spec.completions must be a whole number",
            id="a field of the wrong kind",
        ),
        pytest.param(
            f"{job()}---\n{job('late').replace('completions: 5', 'completions: 0')}",
            "0.yaml: Job late: as a DistributedJob it is out of bounds: spec.completions",
            id="the second of two",
        ),
    ],
)
def test_bad_input_is_one_line_exit_code_2_and_no_manifest(convert, text, words):
    result = convert(text)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("none.yaml", "No such file or directory", id="a missing file"),
        pytest.param(".", "Is a directory", id="a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_2(convert, tmp_path, name, words):
    result = convert(arguments=["-f", str(tmp_path / name)])
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.endswith(words)
