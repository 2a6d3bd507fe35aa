"""``djob submit``: what a command line asks for as an object, and what it refuses."""

import json

import pytest
import yaml

from distributedjob_cli.show.manifest import base_name, elements_of, lines_of

JOBS = "/apis/distributedjob.dev/v1alpha1/namespaces/default/distributedjobs"
MAPS = "/api/v1/namespaces/default/configmaps"
MADE = {"metadata": {"name": "echo-x1", "uid": "u1", "namespace": "default"}}


@pytest.fixture
def spec(djob):
    """The spec that a command line makes."""

    def made(*arguments):
        done = djob("submit", "--dry-run", *arguments)
        assert done.exit_code == 0, done.stderr
        return yaml.safe_load(done.stdout)["spec"]

    return made


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        ("0-999", {"completions": 1000}),
        ("0", {"completions": 1}),
        ("5-7,20", {"completions": 21, "indexes": "5-7,20"}),
        ("7,5-6,5", {"completions": 8, "indexes": "5-7"}),
        (" 0 - 3 ".replace(" - ", "-"), {"completions": 4}),
    ],
)
def test_an_array_is_so_many_completions_and_the_indexes_among_them(spec, array, expected):
    made = spec("--array", array, "--", "true")
    assert {key: made.get(key) for key in ("completions", "indexes") if key in made} == expected


def test_without_an_array_there_is_one_task(spec):
    assert spec("--", "echo", "a b", "-n") == {
        "completions": 1,
        "template": {"command": ["echo", "a b", "-n"]},
    }


def test_every_option_stands_in_the_spec(spec):
    made = spec(
        "--cpus=2", "--memory=1Gi", "--parallelism=0", "--retries=0", "--max-failed=5",
        "--timeout=9", "--env=A=b=c", "--env=E=", "--working-dir=/tmp", "--priority=-3",
        "--pool=gpu", "--node-selector=disk=ssd", "--ttl=60", "--", "true",
    )  # fmt: skip
    assert made == {
        "completions": 1,
        "parallelism": 0,
        "backoffLimitPerIndex": 0,
        "maxFailedIndexes": 5,
        "ttlSecondsAfterFinished": 60,
        "priority": -3,
        "pool": "gpu",
        "nodeSelector": {"disk": "ssd"},
        "template": {
            "command": ["true"],
            "env": [{"name": "A", "value": "b=c"}, {"name": "E", "value": ""}],
            "workingDir": "/tmp",
            "timeoutSeconds": 9,
            "resources": {"requests": {"cpu": "2", "memory": "1Gi"}},
        },
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\nb\n", ["a", "b"]), ("a\r\n\r\nb", ["a", "", "b"]), ("", []), ("\u2028", ["\u2028"])],
)
def test_each_line_is_an_item(text, expected):
    assert lines_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", 1, {"k": "\u00e4"}, [null]]', ["a", "1", '{"k": "\u00e4"}', "[null]"]),
        ("[]", []),
    ],
)
def test_each_element_is_an_item(text, expected):
    assert elements_of(text) == expected


def test_items_come_from_a_file(spec, tmp_path):
    file = tmp_path / "items"
    file.write_text("x\ny\n")
    assert spec("--each-line", str(file), "--", "true")["items"] == ["x", "y"]
    file.write_text('[{"a": 1}]')
    assert spec("--from-json", str(file), "--", "true")["items"] == ['{"a": 1}']


@pytest.mark.parametrize(
    ("program", "expected"),
    [("/bin/echo", "echo"), ("My_Script.PY", "my-script"), ("--", "job"), ("x" * 90, "x" * 40)],
)
def test_a_generated_name_begins_like_the_program(program, expected):
    assert base_name(program) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--array", "0-9"], "there is no command; write it behind --"),
        (["--array", "9-0", "--", "a"], "--array: item 1 (9-0) runs backwards"),
        (["--array", "0-1000000", "--", "a"], "--array: item 1 (0-1000000) is out of bounds"),
        (["--array", "x", "--", "a"], "write something like 0-99,200"),
        (["--array", " ", "--", "a"], "--array names no index"),
        (["--array", "1", "--each-line", "f", "--", "a"], "exclude each other"),
        (["--each-line", "/nowhere", "--", "a"], "--each-line /nowhere: No such file"),
        (["--each-line", "/dev/null", "--", "a"], "there are no items"),
        (["--env", "A", "--", "a"], "--env 'A': write name=value"),
        (["--label", "=b", "--", "a"], "--label '=b': write name=value"),
        (["--retries", "-1", "--", "a"], "'--retries': Input should be greater"),
        (["--output", "xml", "--", "a"], "xml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(djob, servers, arguments, words):
    done = djob("submit", *arguments)
    assert (done.exit_code, done.stdout, servers.asked) == (2, "", [])
    (line,) = done.stderr.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff", "it is not UTF-8"),
        (b"a\x00b\n", "item 1 holds a control character"),
        (b"a\n" + b"b" * 4097, "item 2 has 4,097 characters"),
        (b"a" * 100 + b"\n" + (b"b" * 4000 + b"\n") * 300, "1,200,401 bytes"),
        (b"\n" * 1_000_001, "1,000,001 items"),
    ],
)
def test_items_that_no_job_can_have_are_refused(djob, servers, tmp_path, content, words):
    file = tmp_path / "items"
    file.write_bytes(content)
    done = djob("submit", "--each-line", str(file), "--", "a")
    assert (done.exit_code, servers.asked) == (2, [])
    assert words in done.stderr


@pytest.mark.parametrize("text", ["{}", "1", "[1", "[" * 9999])
def test_what_is_no_array_is_refused(djob, servers, tmp_path, text):
    file = tmp_path / "items"
    file.write_text(text)
    done = djob("submit", "--from-json", str(file), "--", "a")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert "--from-json" in done.stderr


def test_the_job_is_created_strictly_and_named(djob, servers):
    servers.answers[f"POST {JOBS}"] = MADE
    done = djob("submit", "--label", "a=b", "--", "/bin/echo", "hi")
    assert (done.exit_code, done.stdout) == (
        0,
        "distributedjob.distributedjob.dev/echo-x1 created\n",
    )
    assert servers.query()["fieldValidation"] == ["Strict"]
    assert servers.sent()["metadata"] == {"generateName": "echo-", "labels": {"a": "b"}}
    assert djob("submit", "--name", "mine", "-o", "name", "--", "a").stdout.endswith("/echo-x1\n")
    assert servers.sent()["metadata"] == {"name": "mine"}


@pytest.fixture
def large(tmp_path):
    """Items that are too many for the job itself."""
    file = tmp_path / "large"
    file.write_text("".join(f"{number}\n" for number in range(20_001)))
    return str(file)


def test_many_items_go_into_a_config_map_that_the_job_owns(djob, servers, large):
    servers.answers |= {f"POST {JOBS}": MADE, f"POST {MAPS}": {}}
    assert djob("submit", "--each-line", large, "--", "true").exit_code == 0
    job, config_map = servers.sent(0), servers.sent(1)
    assert "items" not in job["spec"]
    reference = job["spec"]["itemsFrom"]["configMapKeyRef"]
    assert reference["name"] == config_map["metadata"]["name"]
    assert config_map["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert config_map["data"][reference["key"]].splitlines()[-1] == "20000"


def test_a_job_whose_items_cannot_be_stored_is_not_left_behind(djob, servers, large):
    refused = (403, {"message": "may not create configmaps"})
    servers.answers |= {
        f"POST {JOBS}": MADE, f"POST {MAPS}": refused, f"DELETE {JOBS}/echo-x1": {},
    }  # fmt: skip
    done = djob("submit", "--each-line", large, "--", "true")
    assert (done.exit_code, done.stderr) == (1, "djob: may not create configmaps\n")
    assert servers.asked[-1].method == "DELETE"


def test_what_the_api_server_refuses_is_said_in_its_words(djob, servers):
    message = "spec.template.command: Invalid value: write something"
    servers.answers[f"POST {JOBS}"] = (422, {"message": message})
    done = djob("submit", "--", "x")
    assert (done.exit_code, done.stderr) == (1, f"djob: {message}\n")
    assert json.loads(servers.asked[0].body)["kind"] == "DistributedJob"
