"""Every verb of ``djob`` on a whole cluster, as a user runs it."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.jobs import Jobs

Djob = Callable[..., subprocess.CompletedProcess[str]]

PICKY = "test $((DJOB_INDEX % 5)) != 0 || { echo bad luck >&2; exit 3; }; echo task $DJOB_INDEX"


@pytest.fixture
def djob(jobs: Jobs) -> Djob:
    """Runs ``djob VERB`` in a namespace of its own."""

    def run(verb: str, *arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:  # noqa: A002
        return subprocess.run(
            [sys.executable, "-m", "distributedjob_cli", verb, "-n", jobs.namespace, *arguments],
            env={**os.environ, "KUBECONFIG": str(jobs.cluster.kubeconfig)},
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def submitted(djob: Djob, *arguments: str) -> str:
    """The name of a new job."""
    done = djob("submit", "-o", "name", *arguments)
    assert done.returncode in (0, 4), done.stderr
    return done.stdout.strip().partition("/")[2]


def spec_of(djob: Djob, name: str) -> dict[str, object]:
    """What the object asks for."""
    return dict(json.loads(djob("get", name, "-o", "json").stdout)["spec"])


def test_submit_progress_output_and_failures_of_a_thousand_tasks(djob: Djob) -> None:
    done = djob("submit", "--array", "0-999", "--progress", "--", "sh", "-c", "echo $DJOB_INDEX")
    assert done.returncode == 0, done.stderr
    name = done.stdout.split()[0].partition("/")[2]
    assert f"{name} Complete: all 1,000 tasks succeeded" in done.stderr
    assert "1,000/1,000  100%" in done.stderr
    assert djob("output", name).stdout == "".join(f"{index}\n" for index in range(1000))
    assert djob("failures", name).stdout == f"No attempt of {name} failed.\n"


def test_submit_takes_each_line_of_standard_input(djob: Djob) -> None:
    show = ["--wait", "-o", "name", "--", "sh", "-c", 'echo "<$DJOB_ITEM>"']
    done = djob("submit", "--each-line", "-", "--cpus", "500m", *show, input="a b\nc\n")
    assert done.returncode == 0, done.stderr
    assert djob("output", done.stdout.strip()).stdout == "<a b>\n<c>\n"
    done = djob("submit", "--from-json", "-", *show, input='[{"x": 1}, "y"]')
    assert djob("output", done.stdout.strip()).stdout == '<{"x": 1}>\n<y>\n'


def test_items_that_need_a_config_map_run_as_well(djob: Djob, tmp_path: Path) -> None:
    file = tmp_path / "items"
    file.write_text("".join(f"{'x' * 1000}{number}\n" for number in range(150)))
    name = submitted(
        djob, "--each-line", str(file), "--wait", "--", "sh", "-c", "echo ${#DJOB_ITEM}"
    )
    assert djob("output", name).stdout.split()[::149] == ["1001", "1003"]


def test_what_the_schema_refuses_is_said_in_one_line(djob: Djob) -> None:
    done = djob("submit", "--cpus", "lots", "--", "true")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "cpu" in done.stderr


def test_list_and_get(djob: Djob, jobs: Jobs) -> None:
    assert "There is no job" in djob("list").stderr
    name = submitted(djob, "--label", "team=a", "--wait", "--", "true")
    head, row = djob("list").stdout.splitlines()
    assert (head.split()[:3], row.split()[:3]) == (
        ["NAME", "PHASE", "DONE"],
        [name, "Complete", "1/1"],
    )
    assert djob("list", "-l", "team=b", "-o", "name").stdout == ""
    head, row = djob("list", "-A", "-l", "team=a", "-o", "wide").stdout.splitlines()
    assert head.split()[-4:] == ["POOL", "PARALLELISM", "WHY", "LABELS"]
    assert row.split()[-3:] == ["default", "CompletionsReached", "team=a"]
    assert json.loads(djob("list", "-o", "json").stdout)["items"][0]["metadata"]["name"] == name
    assert "Why:          All 1 tasks succeeded." in djob("get", name).stdout
    assert json.loads(djob("get", name, "-o", "json").stdout)["status"]["succeeded"] == 1


def test_list_goes_on_with_what_changes_until_it_is_interrupted(djob: Djob, jobs: Jobs) -> None:
    first = submitted(djob, "--wait", "--", "true")
    with subprocess.Popen(
        [sys.executable, "-m", "distributedjob_cli", "list", "-w", "-n", jobs.namespace],
        env={**os.environ, "KUBECONFIG": str(jobs.cluster.kubeconfig)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdout is not None
        lines = iter(follower.stdout)
        assert [next(lines).split()[:2] for _ in range(2)] == [
            ["NAME", "PHASE"],
            [first, "Complete"],
        ]
        second = submitted(djob, "--array", "0-1", "--", "true")
        seen = next(line.split() for line in lines if line.split()[1:2] == ["Complete"])
        assert seen[:3] == [second, "Complete", "2/2"]
        jobs.kubectl("delete", "djob", second)
        assert follower.stderr is not None
        assert follower.stderr.readline() == f"{jobs.namespace}/{second} was deleted\n"
        follower.send_signal(signal.SIGINT)
        assert follower.wait(30) == 130
        assert follower.stderr.read() == "djob: interrupted\n"


def test_wait_and_watch_tell_how_it_ended(djob: Djob) -> None:
    good = submitted(djob, "--", "sleep", "0.2")
    bad = submitted(djob, "--retries", "0", "--", "false")
    assert djob("wait", good).returncode == 0
    done = djob("wait", good, bad)
    assert (done.returncode, done.stdout) == (4, "")
    assert f"{bad} Failed: of 1 task 0 succeeded, 1 failed" in done.stderr
    assert djob("watch", bad).returncode == 4
    endless = submitted(djob, "--", "sleep", "60")
    done = djob("wait", endless, "--timeout", "1s")
    assert (done.returncode, "is not over in time" in done.stderr) == (1, True)
    assert djob("wait", endless, "--timeout", "0").returncode == 1
    assert djob("cancel", endless, "--wait").returncode == 0
    assert djob("wait", endless, "--timeout", "-1s").returncode == 4


def test_tasks_logs_failures_and_output_of_a_job_that_partly_failed(
    djob: Djob, tmp_path: Path
) -> None:
    name = submitted(djob, "--array", "0-9", "--retries", "1", "--wait", "--", "sh", "-c", PICKY)
    failed = json.loads(djob("tasks", name, "--state", "failed", "-o", "json").stdout)
    assert [(row["index"], row["attempt"], row["exitCode"]) for row in failed] == [
        (0, 2, 3), (5, 2, 3),
    ]  # fmt: skip
    rows = list(csv.DictReader(djob("tasks", name, "-o", "csv").stdout.splitlines()))
    assert [row["index"] for row in rows] == [str(index) for index in range(10)]
    assert {row["node"] for row in rows} <= {"node-1", "node-2", "node-3"}
    assert len(djob("tasks", name, "--indexes", "1-3").stdout.splitlines()) == 4

    assert djob("logs", name, "3").stdout == "task 3\n"
    assert djob("logs", name, "5").stdout == "bad luck\n"
    headings = djob("logs", name, "--failed").stdout.splitlines()[::2]
    assert sorted(heading.split()[2] for heading in headings) == ["0", "0", "5", "5"]
    assert djob("logs", name, "-f").stdout.count("==> task") == 12

    said = djob("failures", name).stdout
    assert said.startswith("Error, exit code 3: 2 tasks failed for good, 4 attempts in all\n")
    assert "  tasks 0,5\n" in said
    assert "    bad luck\n" in said
    (group,) = json.loads(djob("failures", name, "-o", "json").stdout)["groups"]
    assert (group["tasks"], group["attempts"], group["exitCode"]) == (2, 4, 3)

    assert djob("output", name, "--to", str(tmp_path / "out")).returncode == 0
    assert (tmp_path / "out" / "7").read_text() == "task 7\n"
    assert len(list((tmp_path / "out").iterdir())) == 10


def test_following_ends_with_the_job(djob: Djob) -> None:
    name = submitted(djob, "--array", "0-3", "--", "sh", "-c", "sleep 0.3; echo $DJOB_INDEX")
    said = djob("logs", name, "--follow").stdout.splitlines()
    assert sorted(said[1::2]) == ["0", "1", "2", "3"]


def test_one_task_is_followed_while_it_writes(djob: Djob, jobs: Jobs, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    script = f"echo one; while [ -e {hold} ]; do sleep 0.05; done; echo two"
    name = submitted(djob, "--array", "0-1", "--", "sh", "-c", script)
    follower = subprocess.Popen(
        [sys.executable, "-m", "distributedjob_cli", "logs", name, "1", "-f", "-n", jobs.namespace],
        env={**os.environ, "KUBECONFIG": str(jobs.cluster.kubeconfig)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout is not None
    assert follower.stdout.readline() == "one\n"
    assert djob("logs", name, "1").stdout == "one\n"
    hold.unlink()
    assert follower.communicate(timeout=60)[0] == "two\n"
    assert follower.returncode == 0


def test_why_tells_of_a_job_of_its_tasks_and_of_none(djob: Djob) -> None:
    name = submitted(djob, "--array", "0-2", "--parallelism", "0", "--", "true")
    assert djob("why", name).stdout.startswith("Paused: spec.parallelism is 0")
    assert djob("why", name, "2").stdout.startswith("Paused: ")
    done = djob("why", name, "3")
    assert done.returncode == 1
    assert done.stderr.endswith(": there is no task 3: its tasks are 0-2\n")


def test_suspend_resume_cancel_and_rerun(djob: Djob, jobs: Jobs, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = submitted(
        djob, "--array", "0-2", "--retries", "0", "--", "sh", "-c", f"test -e {gate} || exit 1"
    )
    assert djob("wait", name).returncode == 4
    gate.touch()
    done = djob("rerun", name, "--failed", "--wait")
    assert done.returncode == 0, done.stderr
    assert jobs.status(name)["succeeded"] == 3
    assert djob("rerun", name, "--indexes", "1", "--progress").returncode == 0

    name = submitted(djob, "--", "sleep", "60")
    jobs.wait_running(name)
    assert djob("suspend", name).returncode == 0
    jobs.wait_phase(name, "Suspended")
    assert djob("resume", name).returncode == 0
    jobs.wait_running(name)
    assert djob("cancel", name, "--wait").returncode == 0
    assert jobs.status(name)["phase"] == "Cancelled"
    done = djob("rerun", name, "--failed")
    assert (done.returncode, "was cancelled" in done.stderr) == (1, True)


def test_what_cannot_be_done_with_a_job_is_said_and_nothing_is_changed(djob: Djob) -> None:
    name = submitted(djob, "--array", "0-2", "--wait", "--", "true")
    for arguments in (("logs", name, "3"), ("tasks", name, "--indexes", "1-3")):
        done = djob(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith(": there is no task 3: its tasks are 0-2\n")

    done = djob("rerun", name, "--indexes", "3", "--wait")
    assert (done.returncode, "the last index is 2" in done.stderr) == (1, True)
    assert "rerun" not in spec_of(djob, name)

    done = djob("cancel", name)
    assert (done.returncode, done.stdout.endswith(" is over already: Complete\n")) == (0, True)
    assert not spec_of(djob, name).get("cancel")


def test_of_several_jobs_one_that_is_missing_holds_up_no_other(djob: Djob, jobs: Jobs) -> None:
    names = [submitted(djob, "--", "sleep", "60") for _ in range(2)]
    done = djob("cancel", names[0], "nobody", names[1], "--wait")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "there is no" in line]
    assert [jobs.status(name)["phase"] for name in names] == ["Cancelled"] * 2


def test_the_progress_of_a_rerun_shows_nothing_of_the_run_before(djob: Djob) -> None:
    name = submitted(djob, "--array", "0-2", "--wait", "--", "sleep", "0.3")
    done = djob("rerun", name, "--indexes", "0-2", "--progress")
    assert done.returncode == 0
    assert "3/3" not in done.stderr.splitlines()[0]


def test_nodes_and_top(djob: Djob, jobs: Jobs) -> None:
    name = submitted(djob, "--", "sleep", "60")
    jobs.wait_running(name)
    rows = json.loads(djob("nodes", "-o", "json").stdout)
    assert [(row["node"], row["health"]) for row in rows] == [
        (f"node-{number}", "Ready") for number in (1, 2, 3)
    ]
    assert sum(row.get("busyMillis", 0) for row in rows) == 1000
    assert [row["address"] for row in rows] == ["127.0.1.1", "127.0.1.2", "127.0.1.3"]
    screen = djob("top", "--once").stdout
    assert "3 of 3 workers ready   CPU 1 of 3 busy" in screen
    assert name in screen
    assert "node-3" in screen
    assert djob("cancel", name, "--wait").returncode == 0


def test_who_may_not_list_nodes_is_told_so(djob: Djob, jobs: Jobs) -> None:
    jobs.kubectl("create", "serviceaccount", "visitor")
    token = jobs.kubectl("create", "token", "visitor").strip()
    lease = jobs.cluster.kubectl(
        "get", "lease", "distributedjob", "-n", "djob-system", "-o", "json"
    )
    annotations = json.loads(lease.stdout)["metadata"]["annotations"]
    reach = ["--token", token, "--endpoint", annotations["distributedjob.dev/endpoint"]]
    done = djob("nodes", *reach)
    assert (done.returncode, done.stderr) == (1, "djob: needs the right to list nodes\n")
    for verb in ("tasks", "logs", "failures", "why"):
        done = djob(verb, "any", *reach)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert "needs the right to get distributedjobs/log" in done.stderr


def test_output_that_could_steer_a_terminal_is_spelled_out_on_one(djob: Djob, jobs: Jobs) -> None:
    name = submitted(djob, "--wait", "--", "printf", r"\033[2Jhello\n")
    assert djob("output", name).stdout == "\x1b[2Jhello\n"
    seen = subprocess.run(
        ["script", "-qec", f"{sys.executable} -m distributedjob_cli output {name}"
         f" -n {jobs.namespace}", "/dev/null"],
        env={**os.environ, "KUBECONFIG": str(jobs.cluster.kubeconfig)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert seen.strip() == r"\x1b[2Jhello"


def test_kubectl_finds_the_plugin_and_completes_it(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    done = jobs.cluster.kubectl("djob", "get", "nobody", "-n", jobs.namespace)
    assert (done.returncode, done.stderr.startswith("kubectl djob: there is no")) == (1, True)
    assert jobs.cluster.kubectl("__complete", "djob", "su").stdout.splitlines()[:2] == [
        "submit", "suspend",
    ]  # fmt: skip
    jobs.apply("completed", completions=1, command=["true"])
    found = jobs.cluster.kubectl("__complete", "djob", "get", "-n", jobs.namespace, "").stdout
    assert found.splitlines()[0] == "completed"
