"""Real processes under a real agent: starts that fail, limits, trees, output, directories."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from distributedjob_api.messages import Assign, Attempt, Cancel
from tests.support.waiting import wait_until
from tests.support.worker_driver import (
    INSTALLATION,
    NODE,
    UID,
    FakeLeader,
    agent_process,
    assign,
    define,
    fake_leader,
    processes_with,
)


@pytest.fixture
async def leader(url: str, tmp_path: Path, executors: str) -> AsyncIterator[FakeLeader]:
    """A leader with one worker of two slots."""
    with agent_process(url, tmp_path, DJOB_EXECUTORS=executors):
        async with fake_leader(url) as started:
            await started.granted()
            yield started


def _script(folder: Path, name: str, text: str, mode: int) -> str:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return str(path)


async def test_every_way_to_fail_has_its_own_reason(leader: FakeLeader, tmp_path: Path) -> None:
    plain = _script(tmp_path, "plain", "#!/bin/sh\n", 0o644)
    garbage = _script(tmp_path, "garbage", "no program\n", 0o755)
    orphaned = _script(tmp_path, "orphaned", "#!/no/such/interpreter\n", 0o755)
    cases = {
        "Error": define("/bin/sh", "-c", "exit 127"),
        "Signaled": define("/bin/sh", "-c", "kill -9 $$$$"),
        "NotFound": define("no-such-program"),
        "NotFound ": define("/no/such/program"),
        "NotFound  ": define(orphaned),
        "NotExecutable": define(plain),
        "NotExecutable ": define(str(tmp_path)),
        "BadFormat": define(garbage),
        "ArgumentListTooLong": define("/bin/true", "x" * 140_000),
        "InvalidArgument": define("/bin/true", "a\0b"),
        "WorkingDirMissing": define("/bin/true", working_dir="/no/such/directory"),
        "DeadlineExceeded": define("/bin/sleep", "60", timeout_seconds=0.2),
        "OutputTooLarge": define("/bin/sh", "-c", "exec cat /dev/zero", cpu_millis=1),
    }
    for position, case in enumerate(cases.values()):
        uid = f"case-{position}"
        await leader.command(
            define(
                *case.argv,
                uid=uid,
                working_dir=case.working_dir,
                timeout_seconds=case.timeout_seconds,
            ),
            assign((position, position), uid=uid),
        )
    await leader.until(lambda: len(leader.failures) == len(cases), timeout=30)
    reasons = {failure.index: failure.reason for failure in leader.failures}
    assert [reasons[index] for index in range(len(cases))] == [name.strip() for name in cases]
    codes = {failure.reason: (failure.exit_code, failure.signal) for failure in leader.failures}
    assert codes["Error"] == (127, 0)
    assert codes["Signaled"] == (-1, 9)
    assert codes["DeadlineExceeded"] == (-1, 15)
    assert codes["NotFound"] == (-1, 0)


async def test_the_environment_is_what_is_documented(leader: FakeLeader) -> None:
    await leader.command(
        define("/usr/bin/env", "-0", env=[("A", "$(DJOB_ITEM)!"), ("B", "$(A) $$(A) $(NO)")]),
        Assign(0, UID, 0, [], [Attempt(4, ended=2, failures=1)], ["x y"], 0),
    )
    record = await leader.record(4, attempt=3)
    pairs = (line.partition("=") for line in record.stdout.decode().split("\0") if line)
    found = {name: value for name, _, value in pairs}
    assert leader.hello is not None
    scratch = found["TMPDIR"]
    mark = found.pop("DJOB_AGENT")
    assert mark.startswith(f"{INSTALLATION}/default/{NODE}@")
    assert mark.endswith(f"/{leader.hello.incarnation}")
    assert found == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "PWD": scratch,
        "A": "x y!",
        "B": "x y! $(A) $(NO)",
        "DJOB_INDEX": "4",
        "DJOB_ITEM": "x y",
        "DJOB_ATTEMPT": "3",
        "DJOB_COMPLETIONS": "1000",
        "DJOB_NAME": "sample",
        "DJOB_NAMESPACE": "default",
        "DJOB_UID": UID,
        "DJOB_NODE": NODE,
        "JOB_COMPLETION_INDEX": "4",
    }


async def test_arguments_are_expanded_for_each_task(leader: FakeLeader) -> None:
    await leader.command(
        define("/bin/echo", "$(DJOB_INDEX)", "$$(DJOB_INDEX)", "$(DJOB_ITEM)"),
        assign((3, 5), items=("a", "b", "c")),
    )
    for index, item in ((3, "a"), (4, "b"), (5, "c")):
        record = await leader.record(index)
        assert record.stdout == f"{index} $(DJOB_INDEX) {item}\n".encode()


_ESCAPEE = """
setsid sh -c "trap '' TERM; while :; do sleep 0.1; done" &
trap '' TERM
while :; do sleep 0.1; done
"""


async def test_a_time_limit_ends_the_whole_tree(leader: FakeLeader, token: str) -> None:
    await leader.command(
        define(
            "/bin/sh", "-c", _ESCAPEE, env=[("T", token)], timeout_seconds=0.5, grace_seconds=0.2
        ),
        assign((0, 0)),
    )
    await leader.until(lambda: bool(leader.failures))
    assert [(f.reason, f.signal) for f in leader.failures] == [("DeadlineExceeded", 9)]
    wait_until(lambda: processes_with(token), lambda left: not left, 3, "processes of the task")


async def test_cancel_ends_the_whole_tree(leader: FakeLeader, token: str) -> None:
    await leader.command(
        define("/bin/sh", "-c", _ESCAPEE, env=[("T", token)], grace_seconds=0.2), assign((0, 0))
    )
    wait_until(lambda: processes_with(token), lambda seen: len(seen) >= 2, 5, "the tree")
    await leader.command(Cancel(0, UID, [(0, 0)]))
    await leader.until(lambda: leader.stopped == [0])
    wait_until(lambda: processes_with(token), lambda left: not left, 3, "processes of the task")


async def test_what_a_finished_task_leaves_behind_is_ended(leader: FakeLeader, token: str) -> None:
    await leader.command(
        define("/bin/sh", "-c", "setsid sleep 60 & sleep 60 &", env=[("T", token)]),
        assign((0, 9)),
    )
    await leader.until(lambda: leader.succeeded == list(range(10)))
    wait_until(lambda: processes_with(token), lambda left: not left, 4, "processes of the task")


async def test_a_daemon_of_a_running_task_is_left_alone(leader: FakeLeader, token: str) -> None:
    # The daemon is an orphan from its first moment; its task waits for what it writes
    # after several sweeps went by.
    script = (
        'setsid -f sh -c "sleep 2.5; echo done > $TMPDIR/f"; until [ -s f ]; do sleep 0.1; done'
    )
    await leader.command(define("/bin/sh", "-c", script, env=[("T", token)]), assign((0, 0)))
    await leader.until(lambda: leader.succeeded == [0])


_HEADLESS = """
import ctypes, os, sys, threading, time
if daemon := os.fork():
    while " Z " not in open(f"/proc/{daemon}/stat").read():
        time.sleep(0.01)
    print(daemon)
    sys.exit()
os.setsid()
threading.Thread(target=threading.Event().wait).start()
ctypes.CDLL(None).pthread_exit(None)
"""


async def test_a_daemon_whose_first_thread_has_ended_is_ended(leader: FakeLeader) -> None:
    # As /proc shows it, it is a zombie; and none of its environment.
    await leader.command(define(sys.executable, "-c", _HEADLESS), assign((0, 0)))
    await leader.until(lambda: leader.succeeded == [0])
    daemon = Path("/proc", (await leader.record(0)).stdout.decode().strip())
    wait_until(daemon.exists, lambda there: not there, 4, "the daemon")


async def test_long_output_keeps_its_head_and_tail(leader: FakeLeader) -> None:
    script = "echo begin; head -c 30000000 /dev/zero; sleep 0.3; echo end; echo why >&2; exit 3"
    await leader.command(define("/bin/sh", "-c", script, output_limit_bytes=100), assign((0, 0)))
    record = await leader.record(0)
    assert record.stdout_bytes == 30_000_000 + len("begin\nend\n")
    assert len(record.stdout) == 100
    assert record.stdout.startswith(b"begin\n\0")
    assert record.stdout.endswith(b"\0end\n")
    assert (record.stderr, record.stderr_bytes) == (b"why\n", 4)
    await leader.until(lambda: bool(leader.failures))
    assert [(f.reason, f.exit_code, f.tail) for f in leader.failures] == [("Error", 3, "why")]


@pytest.mark.parametrize(
    ("policy", "code", "kept"),
    [("All", 0, b"x\n"), ("Failed", 0, b""), ("Failed", 1, b"x\n"), ("None", 1, b"")],
)
async def test_the_journal_keeps_what_the_policy_says(
    leader: FakeLeader, policy: str, code: int, kept: bytes
) -> None:
    await leader.command(
        define("/bin/sh", "-c", f"echo x; exit {code}", output_policy=policy), assign((0, 0))
    )
    record = await leader.record(0)
    assert (record.stdout, record.stdout_bytes) == (kept, 2)


async def test_a_scratch_directory_is_the_tasks_own_and_goes_with_it(
    leader: FakeLeader, tmp_path: Path
) -> None:
    script = 'ls -A; pwd; touch "$HOME/left"; mkdir -p "$TMPDIR/a/b"; chmod 0 a'
    await leader.command(define("/bin/sh", "-c", script), assign((0, 9)))
    await leader.until(lambda: leader.succeeded == list(range(10)))
    for index in range(10):
        record = await leader.record(index)
        assert record.stdout.decode().startswith(f"{tmp_path}/state/scratch/")
    wait_until(
        lambda: [path for path in tmp_path.rglob("scratch/**/*") if path.name.isdigit()],
        lambda left: not left,
        3,
        "scratch directories",
    )


async def test_a_working_directory_is_used(leader: FakeLeader, tmp_path: Path) -> None:
    await leader.command(define("/bin/pwd", working_dir=str(tmp_path)), assign((0, 0)))
    assert (await leader.record(0)).stdout.decode() == f"{tmp_path}\n"


async def test_small_requests_run_by_the_hundred(leader: FakeLeader) -> None:
    await leader.command(define("/bin/sleep", "3", cpu_millis=1), assign((0, 299)))
    await leader.until(lambda: UID in leader.jobs and leader.jobs[UID].running == [(0, 299)])
    await leader.until(lambda: leader.succeeded == list(range(300)))


async def test_no_more_run_than_parallelism_says(leader: FakeLeader) -> None:
    await leader.command(define("/bin/sleep", "0.2", cpu_millis=1), assign((0, 8), parallelism=3))
    await leader.until(lambda: leader.succeeded == list(range(9)))
    spans = sorted(
        (record.started, record.started + record.duration)
        for record in [await leader.record(index) for index in range(9)]
    )
    overlapping = [sum(start <= begin < end for start, end in spans) for begin, _ in spans]
    assert max(overlapping) <= 3


async def test_leftovers_of_a_killed_agent_are_ended_before_new_work(
    url: str, tmp_path: Path, token: str, executors: str
) -> None:
    async with fake_leader(url) as leader:
        with agent_process(url, tmp_path, DJOB_EXECUTORS=executors) as agent:
            await leader.granted()
            await leader.command(
                define("/bin/sh", "-c", _ESCAPEE, env=[("T", token)]), assign((0, 0))
            )
            wait_until(lambda: processes_with(token), lambda seen: len(seen) >= 2, 5, "the tree")
            agent.kill()
        if executors == "1":
            # Others end their tasks when the agent is gone; sooner or later, so nothing is sure.
            assert processes_with(token)
        first = leader.hello
        with agent_process(url, tmp_path, DJOB_EXECUTORS=executors):
            await leader.until(lambda: leader.hello is not first)
            assert not processes_with(token)


async def test_a_task_inherits_the_standard_streams_alone(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executors: str
) -> None:
    ends = os.pipe()
    with ExitStack() as stack:
        for end in ends:
            stack.callback(os.close, end)
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", partial(subprocess.Popen, pass_fds=ends))
            stack.enter_context(agent_process(url, tmp_path, DJOB_EXECUTORS=executors))
        async with fake_leader(url) as leader:
            await leader.granted()
            # The last one is the open listing itself.
            await leader.command(define("/bin/ls", "/proc/self/fd"), assign((0, 0)))
            assert (await leader.record(0)).stdout.split() == [b"0", b"1", b"2", b"3"]
