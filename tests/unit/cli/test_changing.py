"""Telling jobs something: what is refused, what is said, and several at a time."""

import pytest

from tests.support.command_line import JOB, JOBS, OPERATOR, a_job, lines

REFUSED = {
    "type": "Stalled", "status": "True", "reason": "InvalidSpec",
    "message": "spec.rerun.indexes: no task 9; set another token with indexes that exist.",
}  # fmt: skip


def asked(servers):
    return [f"{request.method} {servers.path(at)}" for at, request in enumerate(servers.asked)]


@pytest.mark.parametrize(
    ("spec", "indexes", "words"),
    [
        ({}, "4", "job: --indexes: item 1 (4) is out of bounds: the last index is 3"),
        ({"completions": None, "items": ["a", "b"]}, "0,2", "the last index is 1"),
        ({"indexes": "0-1"}, "1-2", "job: --indexes: its spec.indexes leaves out 2"),
    ],
)
def test_a_rerun_of_what_is_no_task_changes_nothing(djob, servers, spec, indexes, words):
    body = a_job()
    body["spec"] |= spec
    servers.answers[f"GET {JOB}"] = body
    done = djob("rerun", "job", "--indexes", indexes)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert words in done.stderr
    assert asked(servers) == [f"GET {JOB}"]


def test_a_rerun_of_items_that_stand_elsewhere_is_the_operator_s_to_judge(djob, servers):
    body = a_job()
    body["spec"] = {"itemsFrom": {}, "template": {}}
    servers.answers |= {f"GET {JOB}": body, f"PATCH {JOB}": body}
    assert djob("rerun", "job", "--indexes", "900").exit_code == 0


@pytest.mark.parametrize(
    "verb", [["rerun", "job", "--failed", "--wait"], ["wait", "job"], ["watch", "job"]]
)
def test_a_rerun_that_the_operator_refused_is_no_success(djob, servers, verb):
    refused = a_job(token="t", rerunToken="t", succeeded=4, conditions=[REFUSED])
    servers.answers |= {f"GET {JOB}": refused, f"PATCH {JOB}": refused}
    done = djob(*verb)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == (
        "djob: default/job does not run again: spec.rerun.indexes: no task 9;"
        " set another token with indexes that exist."
    )


def test_a_job_that_stalls_for_another_reason_is_not_taken_for_a_refused_rerun(djob, servers):
    stalled = a_job("Failed", failed=4, conditions=[{**REFUSED, "message": "spec.items: no"}])
    servers.answers[JOB] = stalled
    assert djob("wait", "job").exit_code == 4


def test_the_progress_of_a_rerun_begins_with_the_rerun(djob, servers):
    before = a_job(succeeded=3, failed=1, token="new", rerunToken="old")
    running = a_job("Running", token="new", rerunToken="new", succeeded=3, running=1)
    over = a_job(token="new", rerunToken="new", succeeded=4)
    events = [{"type": "MODIFIED", "object": body} for body in (before, running, over)]
    servers.answers |= {
        f"GET {JOB}": before, f"PATCH {JOB}": before, f"GET {JOBS}": lines(*events),
    }  # fmt: skip
    done = djob("rerun", "job", "--failed", "--progress")
    assert done.exit_code == 0
    assert done.stderr.splitlines()[0] == "job  3/4  75%  running 1"


@pytest.mark.parametrize("phase", ["Complete", "Failed", "Cancelled"])
def test_a_job_that_is_over_is_left_alone_by_cancel(djob, servers, phase):
    servers.answers[f"GET {JOB}"] = a_job(phase)
    done = djob("cancel", "job")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"distributedjob.distributedjob.dev/job is over already: {phase}\n"
    assert asked(servers) == [f"GET {JOB}"]


def test_a_job_that_is_to_run_again_can_be_cancelled_before_it_does(djob, servers):
    again = a_job(token="new", rerunToken="old")
    servers.answers |= {f"GET {JOB}": again, f"PATCH {JOB}": again}
    assert djob("cancel", "job").stdout.endswith("job cancelled\n")


# -- several names -----------------------------------------------------------------


@pytest.mark.parametrize(
    "verb",
    [["cancel"], ["suspend"], ["resume"], ["rerun", "--failed"], ["wait"]],
    ids=lambda verb: verb[0],
)
def test_an_error_with_one_of_several_holds_up_no_other(djob, servers, verb):
    missing = (404, {"message": "not found"})
    for name in ("a", "c"):
        body = a_job("Complete" if verb[0] in ("wait", "rerun") else "Running", name)
        servers.answers[f"{JOBS}/{name}"] = body
    servers.answers[f"{JOBS}/b"] = missing
    done = djob(*verb, "a", "b", "c")
    assert done.exit_code == 1
    told = (done.stderr if verb[0] == "wait" else done.stdout).splitlines()
    assert [line for line in told if "/a " in line or line.startswith("a ")]
    assert [line for line in told if "/c " in line or line.startswith("c ")]
    assert [line for line in done.stderr.splitlines() if line.startswith("djob: ")] == [
        "djob: there is no DistributedJob 'b' in namespace 'default';"
        " see them with: djob list -n default"
    ]


def test_an_error_stands_above_a_job_that_failed(djob, servers):
    servers.answers |= {
        f"{JOBS}/a": (404, {"message": "not found"}),
        f"{JOBS}/b": a_job("Failed", "b"),
    }
    assert djob("wait", "a", "b").exit_code == 1
    assert djob("wait", "b").exit_code == 4


def test_of_several_cancelled_those_that_were_are_waited_for(djob, servers):
    bodies = iter([a_job("Running", "b"), a_job("Cancelled", "b", cancelled=4)])
    servers.answers |= {
        f"{JOBS}/a": (404, {"message": "not found"}),
        f"GET {JOBS}/b": lambda _: next(bodies),
        f"PATCH {JOBS}/b": a_job("Running", "b"),
    }
    done = djob("cancel", "a", "b", "--wait")
    assert done.exit_code == 1
    assert "b Cancelled: of 4 tasks" in done.stderr


# -- without a job -----------------------------------------------------------------


def test_the_name_of_a_job_that_is_not_created(djob, servers):
    done = djob("submit", "--name", "a", "--dry-run", "-o", "name", "--", "true")
    assert (done.exit_code, done.stdout) == (0, "distributedjob.distributedjob.dev/a\n")
    done = djob("submit", "--dry-run", "-o", "name", "--", "true")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "give one with --name" in done.stderr
    assert servers.asked == []


@pytest.mark.parametrize("arguments", [["tasks", "job", "--indexes", "9"], ["logs", "job", "9"]])
def test_an_index_of_no_task_is_one_line(djob, servers, arguments):
    words = b"there is no task 9: its tasks are 0-3\n"
    servers.answers[f"{OPERATOR}/tasks"] = (404, words)
    done = djob(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"djob: default/job: {words.decode()}"
