"""What people read: safe text, tables, numbers, progress."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from distributedjob_api.quantity import cpu_text
from distributedjob_cli.show import describe, human, progress
from distributedjob_cli.show.live import bar
from distributedjob_cli.show.pace import Pace
from distributedjob_cli.show.safe import escaped, one_line
from distributedjob_cli.show.table import Growing, fitting, table
from distributedjob_cli.show.terminal import _spelled, redraws


def escaped_bytes(data: bytes) -> str:
    return escaped(data.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"plain \xc3\xa4\tb\n", "plain \u00e4\tb\n"),
        (b"\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        (b"10%\r20%\r\n", "10%\\r20%\n"),
        (b"\xff\x00", "\\xff\\x00"),
        ("a\u202eb".encode(), "a\\u202eb"),
        ("\U000e0001".encode(), "\\U000e0001"),
        ("\x9b31m".encode(), "\\x9b31m"),
    ],
)
def test_what_could_steer_a_terminal_is_spelled_out(written: bytes, shown: str):
    assert escaped_bytes(written) == shown


@given(st.binary(max_size=300))
def test_nothing_that_steers_ever_comes_through(data: bytes):
    shown = escaped_bytes(data)
    assert all(char.isprintable() or char in "\n\t" for char in shown)


@given(st.binary(max_size=200), st.integers(1, 9))
def test_it_does_not_matter_how_output_is_cut_into_pieces(data: bytes, size: int):
    data = data.replace(b"\r", b"")
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert b"".join(_spelled(pieces)) == escaped_bytes(data).encode()


@given(st.text(max_size=80))
def test_plain_text_is_left_alone(text: str):
    plain = "".join(char for char in text if char.isprintable())
    assert escaped(plain) == plain


def test_a_message_is_one_line():
    assert one_line(" a\n b\x1b[0m\t c ") == "a b\\x1b[0m c"


def test_a_table_is_as_wide_as_its_widest_cells_and_ends_without_blanks():
    assert table(["name", "n"], [["a", 1], ["longer", 22], ["x\ny", ""]]) == (
        "NAME     N\n"  #
        "a        1\n"
        "longer   22\n"
        "x y\n"
    )


def test_a_table_that_does_not_fit_lacks_what_matters_least():
    cells = ["a", "b", "c"], [["1", "2" * 9, "3" * 9]]
    assert fitting(*cells, 99, ["b", "c"]) == table(*cells)
    assert fitting(*cells, 15, ["b", "c"]) == "A   C\n1   333333333\n"
    assert fitting(*cells, 3, ["c", "b"]) == "A\n1\n"
    assert fitting(*cells, 3, []) == table(*cells)


def test_a_table_that_grows_keeps_its_columns_and_has_its_headers_once():
    grown = Growing(["a", "b"])
    assert grown.more([["long", "x"]]) == "A      B\nlong   x\n"
    assert grown.more([["s", "y"], ["longer", "z"]]) == "s        y\nlonger   z\n"


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_a_bar_leaves_room_for_all_the_numbers(columns):
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=columns, color_system=None)
    job = body(running=12, succeeded=123_456, failed=17, retries=1204, pending=876_543)
    with bar("a-name-that-is-much-longer-than-others-are", console) as shown:
        shown.show(job)
    screen = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", written.getvalue())
    drawn = screen.replace("\r", "\n").splitlines()
    assert max(map(len, drawn)) <= columns
    for words in ("123,473/1,000,028", "12%", "running 12", "failed 17", "retries 1,204"):
        assert words in re.sub(r"\s+", " ", screen)


@pytest.mark.parametrize("terminal", ["dumb", None])
def test_where_nothing_can_be_drawn_anew_there_are_lines(monkeypatch, terminal):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("TERM", raising=False)
    assert not redraws(Screen())
    monkeypatch.setenv("TERM", terminal or "xterm")
    assert redraws(Screen()) == (terminal is None)
    assert not redraws(io.StringIO())


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (human.run_time(0.0031), "3ms"),
        (human.run_time(0.1), "0.1s"),
        (human.run_time(59.94), "59.9s"),
        (human.run_time(125), "2m5s"),
        (human.span(3600 * 50), "2d2h"),
        (cpu_text(2000), "2"),
        (cpu_text(500), "500m"),
        (cpu_text(0), "0"),
        (human.memory(2**30), "1Gi"),
        (human.memory(3 * 2**29), "1.5Gi"),
        (human.memory(512), "512"),
        (human.rate(2345.6), "2,346/s"),
        (human.rate(0.5), "0.5/s"),
        (human.rate(0.01), "0/s"),
        (human.clock(0), ""),
        (human.clock(1767225600.9), "2026-01-01T00:00:00Z"),
        (human.count(1, "task"), "1 task"),
        (human.count(2000, "task"), "2,000 tasks"),
        (str(human.moment("never")), "None"),
    ],
)
def test_amounts(shown: str, expected: str):
    assert shown == expected


def test_the_pace_is_that_of_the_last_seconds():
    pace = Pace()
    assert (pace.rate(0), pace.seconds_left(10, 0)) == (0, None)
    for second in range(101):
        pace.note(second if second < 50 else 50 + (second - 50) * 10, second)
    assert pace.rate(100) == pytest.approx(10, rel=0.1)
    assert pace.seconds_left(500, 100) == pytest.approx(50, rel=0.1)


def test_the_pace_falls_while_nothing_ends():
    pace = Pace()
    pace.note(0, 0)
    pace.note(10, 1)
    assert pace.rate(1) == 10
    assert pace.rate(10) == 1


def test_a_job_that_starts_over_has_a_pace_of_its_own():
    pace = Pace()
    pace.note(0, 0)
    pace.note(1000, 10)
    pace.note(5, 11)
    assert pace.rate(11) == 0


def body(phase="Running", reason="", message="", kind="Reconciling", **numbers):
    conditions = [{"type": kind, "status": "True", "reason": reason, "message": message}]
    return {
        "metadata": {
            "name": "job",
            "namespace": "team",
            "creationTimestamp": "2026-01-01T00:00:00.25Z",
        },
        "spec": {"completions": 10, "template": {"command": ["sh", "-c", "echo $DJOB_INDEX"]}},
        "status": {
            "phase": phase,
            "conditions": conditions if reason else [],
            "duration": "3s",
            **numbers,
        },
    }


@pytest.mark.parametrize(
    ("job", "rate", "left", "expected"),
    [
        (body(pending=6, running=2, succeeded=2), 4.0, 2.0,
         "2/10  20%  4.0/s  ETA 2s  running 2"),
        (body(running=1, succeeded=8, failed=1, retries=3), 0.0, None,
         "9/10  90%  running 1  failed 1  retries 3"),
        (body("Complete", succeeded=10), 5.0, 0.0, "10/10  100%  5.0/s"),
        (body("Pending", "NoFreeCPU", "Every slot\nis taken.", pending=10), 0.0, None,
         "0/10  0%  Pending  Every slot is taken."),
        ({"metadata": {"name": "job"}, "spec": {"items": ["a", "b"]}}, 0.0, None,
         "0/2  0%  Pending"),
        ({"metadata": {"name": "job"}, "spec": {"itemsFrom": {}}}, 0.0, None,
         "0/0  0%  Pending"),
        (body("Cancelled", succeeded=4, cancelled=6), 0.0, None, "4/10  40%  cancelled 6"),
    ],
)  # fmt: skip
def test_progress_in_a_line(job, rate, left, expected):
    assert progress.line(progress.counts(job), rate, left) == expected


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (body("Complete", succeeded=10), "job Complete: all 10 tasks succeeded in 3s."),
        (body("Complete", succeeded=1), "job Complete: 1 task succeeded in 3s."),
        (
            body("Failed", "FailedIndexes", "1 of 10 failed.", "Failed", succeeded=9, failed=1),
            "job Failed: of 10 tasks 9 succeeded, 1 failed in 3s. 1 of 10 failed.",
        ),
        (
            body("Complete", "SuccessPolicy", "It holds.", "Complete", succeeded=2, cancelled=8),
            "job Complete: of 10 tasks 2 succeeded, 8 cancelled in 3s. It holds.",
        ),
    ],
)
def test_an_end_in_a_sentence(job, expected):
    assert progress.ending(progress.counts(job)) == expected


def test_percent_is_a_hundred_only_when_all_is_done():
    assert progress.counts(body(pending=1, succeeded=999)).percent == 99


def test_the_next_steps_name_what_there_is_to_see():
    done = progress.counts(body("Complete", succeeded=10))
    assert progress.next_steps(done, "kubectl djob", " -n a") == "  kubectl djob output job -n a"
    failed = progress.counts(body("Failed", succeeded=9, failed=1))
    assert "  djob failures job" in progress.next_steps(failed, "djob", "")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"pending": 10}, "." * 30),
        ({"succeeded": 10}, "#" * 30),
        ({"pending": 5, "succeeded": 5}, "#" * 15 + "." * 15),
        ({"pending": 5, "succeeded": 4, "failed": 1}, "#" * 12 + "xxx" + "." * 15),
        ({"succeeded": 999, "failed": 1}, "#" * 29 + "x"),
    ],
)
def test_the_bar_shows_a_single_failure_and_is_full_only_at_the_end(numbers, expected):
    assert describe.bar(progress.counts(body(**numbers))) == expected


def test_a_job_in_full_leaves_out_what_is_empty():
    job = body(
        "Running", "Progressing", "Tasks run.", pending=7, running=1, succeeded=1, failed=1,
        failedIndexes="3", nodes=["node-1"], startTime="2026-01-01T00:00:05Z",
        recentFailures=[
            {"index": 3, "attempt": 4, "node": "node-1", "reason": "Error", "exitCode": 2,
             "tail": "Traceback\nValueError: \x1b[31mno\n"}
        ],
    )  # fmt: skip
    assert describe.job(job, human.moment("2026-01-01T00:01:05.5Z")) == (
        "Name:         job\n"
        "Namespace:    team\n"
        "Phase:        Running\n"
        "Why:          Tasks run.\n"
        "Progress:     ###xxx........................  2/10  20%\n"
        "Tasks:        1 succeeded, 1 failed, 1 running, 7 pending\n"
        "Created:      2026-01-01T00:00:00Z (65s ago)\n"
        "Started:      2026-01-01T00:00:05Z (60s ago)\n"
        "Duration:     3s\n"
        "Command:      sh -c 'echo $DJOB_INDEX'\n"
        "Nodes:        node-1\n"
        "Failed tasks: 3\n"
        "Last failures:\n"
        "  task 3 (attempt 4, node-1): Error 2: ValueError: \\x1b[31mno\n"
    )
