"""``djob logs JOB [INDEX]``: what tasks wrote, each under a line that says whose it is."""

import base64
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from distributedjob_cli.commands import attempts, live
from distributedjob_cli.commands.output import Raw
from distributedjob_cli.commands.tasks import Indexes, ending
from distributedjob_cli.errors import CliError, UsageError
from distributedjob_cli.show import human, terminal
from distributedjob_cli.target import Index, Job, Target

if TYPE_CHECKING:
    from distributedjob_cli.client.api import Api
    from distributedjob_cli.client.endpoint import Operator

EXAMPLES = """Examples:

\b
  djob logs primes                       # every task that ended, stdout and stderr
  djob logs primes 42                    # task 42 alone, without a heading
  djob logs primes 42 -f                 # and what it writes, as it writes it
  djob logs primes --failed              # every attempt that failed
  djob logs primes 42 --failed           # and those of task 42 alone
  djob logs primes -f                    # and those to come, as they end
"""

POLL_SECONDS: Final = 0.5


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
    params: dict[str, Any] = {"streams": [*live.STREAMS], "indexes": chosen or None}
    params |= {"state": "Failed"} if failed else {}
    place = target.job(job)
    # Of one task there may be several attempts, unless the one that counts is asked for.
    headed = index is None or failed
    with target.operator() as operator:
        if follow:
            with target.api() as api:
                if index is not None and not failed:
                    pieces = live.following(api, operator, place, index)
                    terminal.copy(terminal.shown(pieces, raw), sys.stdout.buffer)
                else:
                    _print(following(api, operator, place, params), headed=headed, raw=raw)
            return
        rows = operator.lines(place, "attempts" if failed else "tasks", params)
        found = _print((row for row in rows if "place" in row), headed=headed, raw=raw)
        if found or index is None or failed or _running(operator, place, index, raw=raw):
            return
        raise CliError(f"the journal has nothing of task {index}: {_why(operator, place, index)}")


def _running(operator: "Operator", place: tuple[str, str], index: int, *, raw: bool) -> bool:
    """Print what a task wrote that has not ended yet; whether it is one."""
    printed = live.Printed()
    pieces = live.whole(operator, place, index, printed)
    terminal.copy(terminal.shown(pieces, raw), sys.stdout.buffer)
    return bool(printed.places)


def _why(operator: "Operator", place: tuple[str, str], index: int) -> str:
    view = operator.job_view(place, "why", {"index": index})
    return str(view["message"])


def following(
    api: "Api", operator: "Operator", place: tuple[str, str], params: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Every attempt in the journal, and each one that comes until the job is over."""
    for row in attempts.following(api, operator, place, params):
        if row is None:
            time.sleep(POLL_SECONDS)
        else:
            yield row


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
    wrote = [base64.b64decode(row.get(stream, "")) for stream in live.STREAMS]
    text = b"".join(part if part.endswith(b"\n") else part + b"\n" for part in wrote if part)
    return heading(row).encode() + text if headed else text


def heading(row: Mapping[str, Any]) -> str:
    """Whose output follows, and how it ended."""
    facts = [f"attempt {row.get('attempt', 0)}", str(row.get("node", ""))]
    facts.append(human.run_time(row.get("duration", 0.0)))
    if reason := row.get("reason", ""):
        code = ending(row)
        facts.append(f"{reason} {code}" if code != "-" else reason)
    kept = sum(len(base64.b64decode(row.get(each, ""))) for each in live.STREAMS)
    wrote = row.get("stdoutBytes", 0) + row.get("stderrBytes", 0)
    if wrote > kept:
        facts.append(f"{wrote:,} bytes written, {kept:,} kept")
    return f"==> task {row['index']} ({', '.join(facts)}) <==\n"
