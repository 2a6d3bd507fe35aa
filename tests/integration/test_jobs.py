"""Whole jobs on a whole cluster, through kubectl alone."""

import itertools
import json
import uuid
from collections import Counter
from pathlib import Path

from tests.support.jobs import Jobs, condition, lines, marked
from tests.support.tasks import Ledger, once
from tests.support.waiting import wait_until

LEDGER = 'echo "$DJOB_INDEX $DJOB_ATTEMPT $DJOB_NODE" >> {}'


def ledger_command(path: Path, then: str = "true") -> list[str]:
    """A task that appends its index to a file outside the system, and then does more."""
    return ["sh", "-c", f"{LEDGER.format(path)}; {then}"]


def test_a_job_completes_with_every_index_run_once(jobs: Jobs, tmp_path: Path):
    ledger = tmp_path / "ledger"
    jobs.apply("count", ledger_command(ledger), completions=500)
    jobs.kubectl("wait", "--for=condition=Complete", "distributedjob/count", "--timeout=60s")
    status = jobs.status("count")
    assert sorted(int(line.split()[0]) for line in lines(ledger)) == list(range(500))
    assert (status["succeeded"], status["failed"], status["running"]) == (500, 0, 0)
    assert (status["completedIndexes"], status["progress"]) == ("0-499", "500/500")
    assert condition(status, "Finished")["status"] == "True"
    assert status["observedGeneration"] == 1


def test_tasks_spread_over_all_nodes_one_per_cpu(jobs: Jobs, tmp_path: Path):
    ledger = tmp_path / "ledger"
    jobs.apply("spread", ledger_command(ledger, "sleep 30"), completions=10)
    status = jobs.wait_running("spread", 3)
    assert status["running"] == 3
    assert sorted(line.split()[2] for line in lines(ledger)) == ["node-1", "node-2", "node-3"]
    assert status["nodes"] == ["node-1", "node-2", "node-3"]
    jobs.kubectl("delete", "distributedjob", "spread")


def test_fractions_of_a_cpu_share_it(jobs: Jobs):
    requests = {"resources": {"requests": {"cpu": "250m"}}}
    jobs.apply("quarter", ["sleep", "30"], completions=20, template=requests)
    assert jobs.wait_running("quarter", 12)["running"] == 12
    jobs.kubectl("delete", "distributedjob", "quarter")


def test_each_task_has_a_folder_of_its_own_unless_it_wants_none(jobs: Jobs, ledger: Ledger):
    note = ledger.note("$PWD", "$TMPDIR", "$(ls)")
    jobs.apply("scratch", ["sh", "-c", f"{note}; touch left-behind"], completions=20)
    jobs.wait_for("scratch", "Complete")
    folders = [line.split()[0] for line in ledger.lines]
    assert [line.split() for line in ledger.lines] == [[folder] * 2 for folder in folders]
    wait_until(lambda: [f for f in folders if Path(f).exists()], lambda left: not left, 10, "gone")
    template = {"scratchDir": False}
    jobs.apply("bare", ["sh", "-c", ledger.note("$PWD", "$TMPDIR")], template=template)
    jobs.wait_for("bare", "Complete")
    assert ledger.lines[-1] == "/ /tmp"


def most_at_once(notes: list[str]) -> int:
    """The most tasks that ran at one time, by what each noted at its start and its end."""
    running = most = 0
    for note in notes:
        running += 1 if note == "start" else -1
        most = max(most, running)
    return most


def test_parallelism_limits_and_may_be_raised(jobs: Jobs, ledger: Ledger):
    command = ["sh", "-c", f"{ledger.note('start')}; sleep 0.1; {ledger.note('end')}"]
    jobs.apply("narrow", command, completions=30, parallelism=1)
    assert most_at_once(ledger.wait_for(10)) == 1
    jobs.patch("narrow", {"parallelism": 2})
    jobs.wait_for("narrow", "Complete")
    assert most_at_once(ledger.lines) == 2


def test_parallelism_lowered_while_tasks_run_holds_back_new_ones(
    jobs: Jobs, ledger: Ledger, tmp_path: Path
):
    gate = tmp_path / "gate"
    command = ["sh", "-c", f"{ledger.note('start')}; {once(gate)}; {ledger.note('end')}"]
    jobs.apply("lowered", command, completions=8, parallelism=3)
    jobs.wait_running("lowered", 3)
    jobs.patch("lowered", {"parallelism": 1})
    assert jobs.wait_seen("lowered")["running"] == 3
    gate.touch()
    jobs.wait_for("lowered", "Complete")
    assert (len(ledger.lines), most_at_once(ledger.lines[6:])) == (16, 1)


def test_parallelism_0_pauses_a_job_until_it_is_raised(jobs: Jobs, ledger: Ledger):
    jobs.apply("paused", ledger.command(), completions=3, parallelism=0)
    jobs.wait_reason("paused", "Paused")
    assert ledger.lines == []
    jobs.patch("paused", {"parallelism": 2})
    jobs.wait_for("paused", "Complete")
    assert ledger.indexes == [0, 1, 2]


def test_tasks_run_in_the_working_directory_that_is_asked_for(
    jobs: Jobs, ledger: Ledger, tmp_path: Path
):
    command = ["sh", "-c", ledger.note("$(pwd)")]
    jobs.apply("there", command, template={"workingDir": str(tmp_path)})
    jobs.wait_for("there", "Complete")
    assert ledger.lines == [str(tmp_path)]


def test_items_and_indexes_choose_what_runs(jobs: Jobs, tmp_path: Path):
    ledger = tmp_path / "ledger"
    jobs.apply(
        "items",
        ["sh", "-c", f"echo $DJOB_INDEX $0 >> {ledger}", "$(DJOB_ITEM)"],
        items=["apple", "pear", "fig", "plum"],
        indexes="0,2-3",
    )
    status = jobs.wait_phase("items", "Complete")
    assert sorted(lines(ledger)) == ["0 apple", "2 fig", "3 plum"]
    assert (status["completedIndexes"], status["progress"]) == ("0,2-3", "3/3")


def test_a_task_that_fails_at_first_is_retried_with_its_attempt_visible(jobs: Jobs, tmp_path: Path):
    ledger = tmp_path / "ledger"
    jobs.apply(
        "flaky",
        ledger_command(ledger, '[ "$DJOB_ATTEMPT" -ge 3 ]'),
        completions=4,
        retryPolicy={"initialSeconds": 0},
    )
    status = jobs.wait_phase("flaky", "Complete", "Failed")
    assert (status["phase"], status["retries"]) == ("Complete", 8)
    attempts = Counter(line.split()[0] for line in lines(ledger))
    assert attempts == {str(index): 3 for index in range(4)}


def test_limits_end_in_failed_indexes_and_the_others_still_run(jobs: Jobs):
    jobs.apply(
        "half",
        ["sh", "-c", "echo broken >&2; exit $((DJOB_INDEX % 2 * 7))"],
        completions=6,
        backoffLimitPerIndex=1,
        retryPolicy={"initialSeconds": 0},
    )
    status = jobs.wait_phase("half", "Complete", "Failed")
    assert status["phase"] == "Failed"
    assert (status["completedIndexes"], status["failedIndexes"]) == ("0,2,4", "1,3,5")
    assert condition(status, "Failed")["reason"] == "FailedIndexes"
    last = status["recentFailures"][-1]
    assert (last["reason"], last["exitCode"], last["attempt"]) == ("Error", 7, 2)
    assert "broken" in last["tail"]


def test_a_retry_goes_to_another_node_when_asked(jobs: Jobs, tmp_path: Path):
    ledger = tmp_path / "ledger"
    jobs.apply(
        "elsewhere",
        ledger_command(ledger, '[ "$DJOB_ATTEMPT" -ge 3 ]'),
        completions=3,
        retryPolicy={"initialSeconds": 0, "placement": "OtherNode"},
    )
    jobs.wait_phase("elsewhere", "Complete")
    nodes: dict[str, list[str]] = {}
    for line in lines(ledger):
        index, _, node = line.split()
        nodes.setdefault(index, []).append(node)
    assert all(a != b for run in nodes.values() for a, b in itertools.pairwise(run))


def test_a_command_that_does_not_exist_fails_at_once_and_says_so(jobs: Jobs):
    jobs.apply("missing", ["no-such-program"], completions=1)
    status = jobs.wait_phase("missing", "Failed")
    assert status["recentFailures"][0]["reason"] == "NotFound"
    assert status["retries"] == 0


def test_cancel_ends_the_processes_and_says_cancelled(jobs: Jobs):
    mark = f"MARK={uuid.uuid4().hex}"
    name, value = mark.split("=")
    stubborn = "trap '' TERM; sleep 300 & wait; sleep 300"
    jobs.apply(
        "stop",
        ["sh", "-c", stubborn],
        completions=5,
        template={"env": [{"name": name, "value": value}], "terminationGracePeriodSeconds": 1},
    )
    jobs.wait_running("stop", 3)
    jobs.patch("stop", {"cancel": True})
    status = jobs.wait_phase("stop", "Cancelled")
    assert marked(mark) == []
    assert (status["cancelled"], status["running"], status["succeeded"]) == (5, 0, 0)
    assert condition(status, "Cancelled")["status"] == "True"
    assert condition(status, "Stalled")["status"] == "True"


def test_deleting_a_job_ends_its_processes(jobs: Jobs):
    mark = f"MARK={uuid.uuid4().hex}"
    name, value = mark.split("=")
    jobs.apply(
        "gone",
        ["sleep", "300"],
        completions=5,
        template={"env": [{"name": name, "value": value}]},
    )
    jobs.wait_running("gone", 3)
    jobs.kubectl("delete", "distributedjob", "gone")
    wait_until(lambda: marked(mark), lambda pids: not pids, 10, "the processes end")


def test_a_time_out_ends_the_attempt(jobs: Jobs):
    jobs.apply(
        "slow",
        ["sleep", "300"],
        completions=1,
        backoffLimitPerIndex=0,
        template={"timeoutSeconds": 1, "terminationGracePeriodSeconds": 1},
    )
    status = jobs.wait_phase("slow", "Failed")
    assert status["recentFailures"][0]["reason"] == "DeadlineExceeded"


def test_an_unknown_pool_is_named_while_the_job_waits(jobs: Jobs):
    jobs.apply("pool", ["true"], pool="gpu")
    status = jobs.wait_reason("pool", "UnknownPool")
    assert "gpu" in condition(status, "Reconciling")["message"]
    assert status["phase"] == "Pending"


def test_a_request_larger_than_any_node_waits_and_heals(jobs: Jobs):
    nodes = ("node-1", "node-2", "node-3")
    try:
        set_cpu(jobs, "500m", *nodes)
        jobs.apply("large", ["true"], completions=2)
        status = jobs.wait_reason("large", "RequestTooLarge")
        assert "1000m" in condition(status, "Reconciling")["message"]
        assert status["phase"] == "Pending"
    finally:
        set_cpu(jobs, "1", *nodes)
    status = jobs.wait_phase("large", "Complete", "Failed")
    assert (status["phase"], status["succeeded"]) == ("Complete", 2)


def set_cpu(jobs: Jobs, cpu: str, *nodes: str) -> None:
    """Say of these nodes what a kubelet would."""
    patch = json.dumps({"status": {"allocatable": {"cpu": cpu}}})
    where = [f"node/{node}" for node in nodes]
    jobs.kubectl("patch", *where, "--subresource=status", "--type=merge", "-p", patch)


def test_a_cordoned_node_gets_nothing_new(jobs: Jobs, tmp_path: Path):
    ledger = tmp_path / "ledger"
    jobs.kubectl("cordon", "node-2")
    try:
        jobs.wait_kept_off("node-2")
        jobs.apply("cordon", ledger_command(ledger), completions=60)
        jobs.wait_phase("cordon", "Complete")
        assert {line.split()[2] for line in lines(ledger)} <= {"node-1", "node-3"}
    finally:
        jobs.kubectl("uncordon", "node-2")


def test_get_shows_the_columns_people_look_for(jobs: Jobs):
    jobs.apply("columns", ["true"], completions=3)
    jobs.wait_phase("columns", "Complete")
    header, row = jobs.kubectl("get", "distributedjobs").splitlines()
    assert header.split() == [
        "NAME", "PHASE", "DONE", "RUNNING", "FAILED", "RETRIES", "AGE", "DURATION",
    ]  # fmt: skip
    assert row.split()[:6] == ["columns", "Complete", "3/3", "0", "0", "0"]
    assert json.loads(jobs.kubectl("get", "djob", "columns", "-o", "json"))["kind"]
