"""``djob logs`` and ``output --to``: what tasks wrote, once and whole, also while they run."""

import base64

import pytest

from distributedjob_cli.commands import live, logs
from tests.support.command_line import JOB, OPERATOR, a_job, lines


def wrote(index, stdout=b"", stderr=b"", **more):
    return {
        "index": index, "state": "Succeeded", "attempt": 1, "node": "n1", "duration": 0.1,
        "exitCode": 0, "place": 5, "stdoutBytes": len(stdout), "stderrBytes": len(stderr),
        "stdout": base64.b64encode(stdout).decode(), "stderr": base64.b64encode(stderr).decode(),
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (wrote(3, b"a\n"), "==> task 3 (attempt 1, n1, 0.1s) <=="),
        (
            wrote(3, reason="Error", exitCode=2),
            "==> task 3 (attempt 1, n1, 0.1s, Error 2) <==",
        ),
        (
            wrote(3, reason="NotFound", exitCode=-1),
            "==> task 3 (attempt 1, n1, 0.1s, NotFound) <==",
        ),
        (
            wrote(3, b"ab", stdoutBytes=5000),
            "==> task 3 (attempt 1, n1, 0.1s, 5,000 bytes written, 2 kept) <==",
        ),
    ],
)
def test_a_heading_says_whose_output_follows_and_how_it_ended(row, expected):
    assert logs.heading(row) == f"{expected}\n"


def test_logs_of_one_task_have_no_heading_and_no_byte_more(djob, servers):
    servers.answers[f"{OPERATOR}/tasks"] = lines(wrote(3, b"out\n", b"err"))
    done = djob("logs", "job", "3")
    assert (done.exit_code, done.stdout_bytes) == (0, b"out\nerr\n")
    assert servers.query()["indexes"] == ["3"]


def test_a_task_without_output_yet_says_why(djob, servers):
    servers.answers |= {
        f"{OPERATOR}/tasks": lines({"index": 3, "state": "Pending"}),
        f"{OPERATOR}/live": {"index": 3},
        f"{OPERATOR}/why": {"reason": "NoFreeCPU", "message": "Every slot is taken."},
    }
    done = djob("logs", "job", "3")
    assert (done.exit_code, done.stdout, done.stderr) == (
        1, "", "djob: the journal has nothing of task 3: Every slot is taken.\n",
    )  # fmt: skip


def test_following_goes_on_behind_what_was_printed_until_the_job_is_over(djob, servers):
    servers.answers |= {JOB: a_job(), f"{OPERATOR}/attempts": lines(wrote(0, b"a\n", place=9))}
    done = djob("logs", "job", "-f")
    assert "==> task 0" in done.stdout
    assert servers.query(-1)["after"] == ["0"]


def writes(stdout=b"", stderr=b"", attempt=1, at=(0, 0)):
    """What the operator says of a running task."""
    texts = {"stdout": stdout, "stderr": stderr}
    encoded = {name: base64.b64encode(text).decode() for name, text in texts.items()}
    return {"index": 3, "attempt": attempt, "stdoutAt": at[0], "stderrAt": at[1], **encoded}


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(live, "POLL_SECONDS", 0)


def following(servers, *steps):
    """Answers in turns: phase, what the journal has anew, and what the worker says."""
    phases, ended, running = zip(*steps, strict=True)
    servers.answers |= {
        JOB: iter([a_job(phase) for phase in phases]),
        f"{OPERATOR}/attempts": iter(ended),
        f"{OPERATOR}/live": iter([view for views in running for view in views]),
    }


def test_one_task_is_followed_while_it_writes_and_printed_once(djob, servers, at_once):
    following(
        servers,
        ("Running", b"", [{"index": 3}]),
        ("Running", b"", [writes(b"a\n")]),
        ("Running", b"", [writes(b"b", at=(2, 0))]),
        ("Complete", lines(wrote(3, b"a\nbc\n", b"err", stdoutBytes=5, stderrBytes=3)), []),
    )
    done = djob("logs", "job", "3", "-f")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "a\nbc\nerr\n", "")
    asked = [servers.query(at) for at in range(len(servers.asked)) if "live" in servers.path(at)]
    assert [(one.get("stdout"), one.get("stderr")) for one in asked] == [
        (None, None), (None, None), (["2"], ["0"]),
    ]  # fmt: skip


def test_of_a_long_output_what_was_seen_is_not_printed_again(djob, servers, at_once):
    kept = wrote(3, b"0123" + b"6789", stdoutBytes=10)
    following(
        servers,
        ("Running", b"", [writes(b"012")]),
        ("Running", b"", [writes(b"67", at=(6, 0))]),
        ("Complete", lines(kept), []),
    )
    done = djob("logs", "job", "3", "-f")
    assert done.stdout == "0126789\n"
    assert done.stderr == "... 3 bytes of stdout were not kept ...\n"


def test_another_attempt_is_seen_from_its_beginning(djob, servers, at_once):
    following(
        servers,
        ("Running", b"", [writes(b"one\n")]),
        ("Running", b"", [writes(b"", attempt=2, at=(4, 0)), writes(b"two\n", attempt=2)]),
        ("Running", lines(wrote(3, b"one\n", reason="Error"), wrote(3, b"two\n", attempt=2)),
         [writes(b"three\n", attempt=3)]),
        ("Failed", lines(wrote(3, b"three\nend", attempt=3)), []),
    )  # fmt: skip
    assert djob("logs", "job", "3", "-f").stdout == "one\ntwo\nthree\nend\n"


def test_a_worker_that_is_silent_is_said_once_and_the_end_is_printed(djob, servers, at_once):
    silent = (503, b"the worker on n1 does not answer\n")
    following(
        servers,
        ("Running", b"", [silent]),
        ("Running", b"", [silent]),
        ("Complete", lines(wrote(3, b"all\n", stdoutBytes=4)), []),
    )
    done = djob("logs", "job", "3", "-f")
    assert (done.exit_code, done.stdout) == (0, "all\n")
    assert done.stderr.count("the worker on n1 does not answer") == 1


def test_what_a_running_task_wrote_up_to_now_is_printed(djob, servers):
    servers.answers |= {
        f"{OPERATOR}/tasks": lines({"index": 3, "state": "Running"}),
        f"{OPERATOR}/live": iter([writes(b"out"), writes(b"", at=(3, 0))]),
    }
    done = djob("logs", "job", "3")
    assert (done.exit_code, done.stdout_bytes) == (0, b"out")
    servers.answers[f"{OPERATOR}/live"] = writes()
    done = djob("logs", "job", "3")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_output_goes_into_a_file_for_each_task(djob, servers, tmp_path):
    servers.answers[f"{OPERATOR}/tasks"] = lines(wrote(0, b"a\x00"), wrote(12, b""))
    done = djob("output", "job", "--to", str(tmp_path / "out"))
    assert (done.exit_code, done.stdout) == (0, "")
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == {
        "0": b"a\x00", "12": b"",
    }  # fmt: skip


def test_files_for_tasks_without_a_record_are_missed(djob, servers, tmp_path):
    servers.answers[f"{OPERATOR}/tasks"] = lines(wrote(0), {"index": 4, "state": "Failed"})
    done = djob("output", "job", "--to", str(tmp_path / "out"))
    assert done.exit_code == 3
    assert "no record of 1 task, the first is 4" in done.stderr
    done = djob("output", "job", "--to", "/proc/nowhere")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
