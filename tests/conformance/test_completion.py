"""Jobs that succeed: every index once, and tasks that fail on the way."""

import itertools
from collections import Counter, defaultdict

from tests.support.jobs import Jobs, condition
from tests.support.tasks import Ledger
from tests.support.transitions import Watch, ended

AT_ONCE = {"initialSeconds": 0}


def nodes_of(ledger: Ledger) -> dict[str, list[str]]:
    """For each index, the nodes of its attempts in order."""
    nodes: dict[str, list[str]] = defaultdict(list)
    for line in ledger.lines:
        index, node = line.split()
        nodes[index].append(node)
    return nodes


def test_01_run_to_completion_when_tasks_succeed(jobs: Jobs, watch: Watch, ledger: Ledger):
    jobs.apply("fine", ledger.command(), completions=20)
    status = ended(watch, "fine", "Complete", "CompletionsReached")
    assert condition(status, "SuccessCriteriaMet")["reason"] == "CompletionsReached"
    assert (status["succeeded"], status["failed"]) == (20, 0)
    assert ledger.indexes == list(range(20))


def test_02_each_index_runs_once_and_sees_its_index(jobs: Jobs, watch: Watch, ledger: Ledger):
    note = ledger.note("$0", "$DJOB_INDEX", "$JOB_COMPLETION_INDEX", "$DJOB_NODE")
    jobs.apply("indexed", ["sh", "-c", note, "$(DJOB_INDEX)"], completions=4)
    status = ended(watch, "indexed", "Complete", "CompletionsReached")
    assert status["completedIndexes"] == "0-3"
    seen = sorted(line.split()[:3] for line in ledger.lines)
    assert seen == [[str(index)] * 3 for index in range(4)]
    assert {line.split()[3] for line in ledger.lines} <= {"node-1", "node-2", "node-3"}


def test_03_tasks_that_sometimes_fail_are_restarted_on_the_same_node(
    jobs: Jobs, watch: Watch, ledger: Ledger
):
    fail_twice = f'{ledger.note("$DJOB_INDEX $DJOB_NODE")}; [ "$DJOB_ATTEMPT" -ge 3 ]'
    policy = AT_ONCE | {"placement": "SameNode"}
    jobs.apply("local", ["sh", "-c", fail_twice], completions=4, retryPolicy=policy)
    status = ended(watch, "local", "Complete", "CompletionsReached")
    assert (status["succeeded"], status["failures"], status["retries"]) == (4, 8, 8)
    nodes = nodes_of(ledger)
    assert Counter(map(len, nodes.values())) == {3: 4}
    assert all(len(set(where)) == 1 for where in nodes.values())


def test_04_tasks_that_sometimes_fail_are_restarted_elsewhere(
    jobs: Jobs, watch: Watch, ledger: Ledger
):
    fail_twice = f'{ledger.note("$DJOB_INDEX $DJOB_NODE")}; [ "$DJOB_ATTEMPT" -ge 3 ]'
    policy = AT_ONCE | {"placement": "OtherNode"}
    jobs.apply("elsewhere", ["sh", "-c", fail_twice], completions=4, retryPolicy=policy)
    # The laws that are checked here: announced before it is final, and nothing runs then.
    status = ended(watch, "elsewhere", "Complete", "CompletionsReached")
    assert (status["succeeded"], status["running"]) == (4, 0)
    assert all(a != b for where in nodes_of(ledger).values() for a, b in itertools.pairwise(where))


def test_09_a_task_sees_the_number_of_its_attempt(jobs: Jobs, watch: Watch, ledger: Ledger):
    command = ["sh", "-c", f"{ledger.note('$DJOB_INDEX', '$DJOB_ATTEMPT')}; exit 1"]
    jobs.apply("counted", command, completions=2, backoffLimitPerIndex=2, retryPolicy=AT_ONCE)
    status = ended(watch, "counted", "Failed", "FailedIndexes")
    assert status["failedIndexes"] == "0-1"
    assert sorted(ledger.lines) == ["0 1", "0 2", "0 3", "1 1", "1 2", "1 3"]
    assert {failure["attempt"] for failure in status["recentFailures"]} <= {1, 2, 3}


def test_27_requests_of_cpu_are_respected_on_every_node(jobs: Jobs, watch: Watch, ledger: Ledger):
    steps = [ledger.note("+ $DJOB_NODE"), "sleep 0.1", ledger.note("- $DJOB_NODE")]
    requests = {"resources": {"requests": {"cpu": "500m"}}}
    jobs.apply("ninety", ["sh", "-c", "; ".join(steps)], completions=90, template=requests)
    status = ended(watch, "ninety", "Complete", "CompletionsReached")
    assert status["succeeded"] == 90
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for line in ledger.lines:
        sign, node = line.split()
        running[node] += 1 if sign == "+" else -1
        most[node] = max(most[node], running[node])
    assert most == {"node-1": 2, "node-2": 2, "node-3": 2}
