"""``djob logs JOB [INDEX]``: what tasks wrote, each under a line that says whose it is."""

import base64
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from distributedjob_cli.commands import live
from distributedjob_cli.commands.output import Raw
from distributedjob_cli.commands.tasks import Indexes, ending
from distributedjob_cli.errors import CliError, UsageError
from distributedjob_cli.show import human, terminal
from distributedjob_cli.target import Job, Target

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api
    from distributedjob_cli.client.endpoint import Operator

EXAMPLES = """Examples:

\b
  djob logs primes                       # every task that ended, stdout and stderr
  djob logs primes 42                    # task 42 alone, without a heading
  djob logs primes 42 -f                 # and what it writes, as it writes it
  djob logs primes --failed              # those that failed
  djob logs primes -f                    # and those to come, as they end
"""

POLL_SECONDS: Final = 0.5

Index = Annotated[
    int | None,
    typer.Argument(metavar="[INDEX]", min=0, help="One of its tasks.", show_default=False),
]


def logs(
    target: Target,
    job: Job,
    index: Index = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job is over.")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only attempts that failed.")] = False,
    indexes: Indexes = "",
    raw: Raw = False,
) -> None:
    """Print what tasks wrote, each under a heading.

    That is stdout and stderr of the attempt that counts, in index order. With --failed it
    is every attempt that failed, and with --follow every attempt, in the order in which
    they ended; each one's output stands together, and comes when the attempt has ended.
    Of a single task that runs, what it has written so far is read from its worker.
    """
    if index is not None and indexes:
        raise UsageError("INDEX and --indexes exclude each other; use one of them")
    chosen = str(index) if index is not None else indexes
    params: dict[str, Any] = {"streams": ["stdout", "stderr"], "indexes": chosen or None}
    place = target.job(job)
    operator = target.operator()
    params |= {"state": "Failed"} if failed else {}
    if follow and index is not None and not failed:
        with target.api() as api:
            pieces = live.following(api, operator, place, index)
            terminal.copy(terminal.shown(pieces, raw), sys.stdout.buffer)
        return
    if follow:
        with target.api() as api:
            rows = following(api, operator, place, params)
            _print(rows, headed=index is None, raw=raw)
        return
    what = "attempts" if failed else "tasks"
    rows = operator.lines(place, what, params)
    found = _print((row for row in rows if "place" in row), headed=index is None, raw=raw)
    if not found and index is not None and not failed:
        if _running(operator, place, index, raw=raw):
            return
        raise CliError(f"the journal has nothing of task {index}: {_why(operator, place, index)}")


def _running(operator: "Operator", place: tuple[str, str], index: int, *, raw: bool) -> bool:
    """Print what a task wrote that has not ended yet; whether it is one."""
    if not operator.job_view(place, "live", {"index": index}).get("attempt", 0):
        return False
    pieces = live.whole(operator, place, index)
    terminal.copy(terminal.shown(pieces, raw), sys.stdout.buffer)
    return True


def _why(operator: "Operator", place: tuple[str, str], index: int) -> str:
    view = operator.job_view(place, "why", {"index": index})
    return str(view["message"])


def following(
    api: "Api", operator: "Operator", place: tuple[str, str], params: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Every attempt in the journal, and each one that comes until the job is over."""
    from distributedjob_cli.client.follow import finished

    after = 0
    while True:
        over = finished(api.read_job(*place))
        for row in operator.lines(place, "attempts", {**params, "after": after}):
            after = max(after, row["place"])
            yield row
        if over:
            return
        time.sleep(POLL_SECONDS)


def _print(rows: Iterable[Mapping[str, Any]], *, headed: bool, raw: bool) -> int:
    """Print attempts one after the other; how many there were."""
    number = 0

    def pieces() -> Iterator[bytes]:
        nonlocal number
        for row in rows:
            number += 1
            yield text_of(row, headed=headed)

    terminal.copy(terminal.shown(pieces(), raw), sys.stdout.buffer)
    return number


def text_of(row: Mapping[str, Any], *, headed: bool) -> bytes:
    """What an attempt wrote, stdout before stderr, each ending in a line feed."""
    wrote = [base64.b64decode(row.get(stream, "")) for stream in ("stdout", "stderr")]
    text = b"".join(part if part.endswith(b"\n") else part + b"\n" for part in wrote if part)
    return heading(row).encode() + text if headed else text


def heading(row: Mapping[str, Any]) -> str:
    """Whose output follows, and how it ended."""
    facts = [f"attempt {row.get('attempt', 0)}", str(row.get("node", ""))]
    facts.append(human.run_time(row.get("duration", 0.0)))
    if reason := row.get("reason", ""):
        code = ending(row)
        facts.append(f"{reason} {code}" if code != "-" else reason)
    kept = sum(len(base64.b64decode(row.get(each, ""))) for each in ("stdout", "stderr"))
    wrote = row.get("stdoutBytes", 0) + row.get("stderrBytes", 0)
    if wrote > kept:
        facts.append(f"{wrote:,} bytes written, {kept:,} kept")
    return f"==> task {row['index']} ({', '.join(facts)}) <==\n"
