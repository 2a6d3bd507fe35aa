"""The object: deleted, watched, written to by others, made anew under its old name."""

import json
from pathlib import Path

import yaml

from tests.support.jobs import Jobs, condition
from tests.support.tasks import STUBBORN, Ledger, Mark, once
from tests.support.transitions import Version, Watch, ended, finish, holding

ELSEWHERE = "example.com/controller"


def test_20_no_process_is_left_when_a_job_is_deleted(jobs: Jobs, ledger: Ledger):
    mark = Mark()
    jobs.apply("gone", ledger.command(STUBBORN), completions=10, template={"env": mark.env})
    ledger.wait_for(3)
    jobs.kubectl("delete", "djob", "gone")
    mark.wait_gone()
    assert ledger.indexes == [0, 1, 2]


def test_21_a_deleted_job_is_gone_at_once_and_no_finalizer_holds_it(jobs: Jobs, watch: Watch):
    jobs.apply("held", ["sleep", "300"])
    jobs.wait_running("held")
    assert all("finalizers" not in one["metadata"] for one in watch.versions("held"))
    jobs.kubectl("delete", "djob", "held", "--wait=false")
    answer = jobs.cluster.kubectl("-n", jobs.namespace, "get", "djob", "held")
    assert "NotFound" in answer.stderr


def test_23_the_status_is_a_resource_of_its_own(jobs: Jobs, tmp_path: Path):
    """Of a job that others manage; in one of ours a foreign word does not last."""
    jobs.apply("theirs", ["true"], managedBy=ELSEWHERE)
    status = json.dumps({"spec": {"parallelism": 7}, "status": {"phase": "Running", "running": 1}})
    patch = ("patch", "djob", "theirs", "--type=merge", "-p")
    jobs.kubectl(*patch, status, "--subresource=status")
    jobs.kubectl(*patch, json.dumps({"status": {"running": 5}}))
    seen = json.loads(jobs.kubectl("get", "djob", "theirs", "-o", "json", "--subresource=status"))
    assert (seen["status"]["phase"], seen["status"]["running"]) == ("Running", 1)
    assert "parallelism" not in seen["spec"]
    seen["status"]["running"] = 2
    jobs.kubectl("replace", "--subresource=status", "-f", "-", input=json.dumps(seen))
    assert jobs.status("theirs")["running"] == 2

    gate = tmp_path / "gate"
    jobs.apply("ours", ["sh", "-c", once(gate)], completions=2)
    jobs.wait_running("ours", 2)
    foreign = json.dumps({"status": {"succeeded": 99, "completedIndexes": "7-8"}})
    jobs.kubectl("patch", "djob", "ours", "--type=merge", "--subresource=status", "-p", foreign)
    gate.touch()
    finish(jobs, "ours")
    status = jobs.status("ours")
    assert (status["phase"], status["succeeded"]) == ("Complete", 2)
    assert status["completedIndexes"] == "0-1"


def test_24_jobs_are_listed_labelled_watched_and_deleted_together(jobs: Jobs, watch: Watch):
    for name in ("first", "second", "other"):
        jobs.apply(name, ["true"], completions=2)
        jobs.kubectl("label", "djob", name, f"kind={'other' if name == 'other' else 'pair'}")
        ended(watch, name, "Complete", "CompletionsReached")
    by_label = ("-l", "kind=pair", "-o", "name")
    mine = {f"distributedjob.distributedjob.dev/{name}" for name in ("first", "second")}
    assert {*jobs.kubectl("get", "djob", *by_label).split()} == mine
    assert mine <= {*jobs.kubectl("get", "djob", "-A", *by_label).split()}
    jobs.kubectl("annotate", "djob", "first", "note=kept")
    assert watch.versions("first")[-1]["metadata"]["annotations"]["note"] == "kept"
    jobs.kubectl("delete", "djob", "-l", "kind=pair")
    left = jobs.kubectl("get", "djob", "-o", "name").split()
    assert left == ["distributedjob.distributedjob.dev/other"]


def test_26_a_job_that_others_manage_is_left_alone(jobs: Jobs, watch: Watch, ledger: Ledger):
    jobs.apply("theirs", ledger.command(), managedBy=ELSEWHERE)
    jobs.patch("theirs", {"parallelism": 3})
    jobs.apply("ours", ["true"], completions=5, managedBy="distributedjob.dev/operator")
    ended(watch, "ours", "Complete", "CompletionsReached")
    assert all("status" not in one for one in watch.versions("theirs"))
    jobs.kubectl("delete", "djob", "theirs")
    assert ledger.lines == []


def test_34_the_final_condition_waits_for_the_last_process(
    jobs: Jobs, watch: Watch, tmp_path: Path
):
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    cases = {
        "failing": ("Failed", "PodFailurePolicy", {"failurePolicy": {"rules": [rule]}}, 42),
        "succeeding": (
            "Complete",
            "SuccessPolicy",
            {"successPolicy": {"rules": [{"succeededCount": 1}]}},
            0,
        ),
    }
    for name, (end, reason, policy, code) in cases.items():
        mark, there = Mark(), tmp_path / name
        others = f"{once(Path(f'{there}.1'))}; {once(Path(f'{there}.2'))}"
        first = f'[ "$DJOB_INDEX" -gt 0 ] || {{ {others}; exit {code}; }}'
        command = ["sh", "-c", f"{first}; touch {there}.$DJOB_INDEX; {STUBBORN}"]
        jobs.apply(name, command, completions=3, template={"env": mark.env}, **policy)
        ended(watch, name, end, reason)
        assert mark.processes == []
        assert _announced_while_running(watch.versions(name), end)


def _announced_while_running(versions: list[Version], end: str) -> bool:
    between = [
        one["status"]
        for one in versions
        if holding(one.get("status", {})) & {"SuccessCriteriaMet", "FailureTarget"}
        and end not in holding(one["status"])
    ]
    assert all(condition(status, "Finished")["status"] == "False" for status in between)
    return any(status["running"] > 0 for status in between)


def test_36_a_new_job_of_the_same_name_begins_at_nothing(
    jobs: Jobs, watch: Watch, ledger: Ledger, tmp_path: Path
):
    mark = Mark()
    env = {"env": mark.env}
    jobs.apply("name", ledger.command(STUBBORN), completions=4, template=env, managedBy=ELSEWHERE)
    jobs.kubectl("delete", "djob", "name")
    assert ledger.lines == []
    jobs.apply("name", ledger.command(STUBBORN), completions=4, template=env)
    ledger.wait_for(3)
    old = yaml.safe_load(jobs.kubectl("get", "djob", "name", "-o", "yaml"))["metadata"]["uid"]
    jobs.kubectl("delete", "djob", "name")
    # Its tasks are dying while the next one begins.
    fresh = Ledger(tmp_path / "fresh")
    jobs.apply("name", fresh.command(), completions=6)
    status = ended(watch, "name", "Complete", "CompletionsReached")
    assert (status["succeeded"], status["failures"], status["interruptions"]) == (6, 0, 0)
    assert fresh.indexes == list(range(6))
    mark.wait_gone()
    assert ledger.indexes == [0, 1, 2]
    assert watch.versions("name")[-1]["metadata"]["uid"] != old
