"""``make chaos``: the fault matrix on a real cluster, in namespaces of its own."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from distributedjob_local.errors import LocalError
from distributedjob_local.programs import EVERYTHING, find_programs
from distributedjob_local.progress import Progress
from tests.chaos import isolation
from tests.chaos.registry import ROWS, CannotBeDoneError, Row
from tests.chaos.report import Line, Report, heading, shown
from tests.chaos.rig import Rig
from tests.chaos.rows import load
from tests.chaos.trial import Trial

MIX: Final = 40
CLOSING_MINUTES: Final = 0.5
KEPT_MINUTES: Final = 1.25
"""What every other row leaves to the mix, if there is to be one."""


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; 0 when nothing was violated, 1 when something was."""
    load()
    options = read(arguments)
    refusal = isolation.refusal()
    if refusal:
        print(f"chaos: {refusal}", file=sys.stderr)
        return 2
    try:
        # Inside there is no network to get them over.
        programs = find_programs(EVERYTHING, Progress())
    except LocalError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    if not isolation.inside():
        seed = ["--seed", str(options.seed)]
        return isolation.enter([*arguments, *seed])
    isolation.as_init()
    isolation.prepare()
    return play(options, programs)


def read(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, with a seed drawn where none was given."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--rows", type=_numbers, default=[], help="such as 1,4,21-26")
    parser.add_argument("--minutes", type=float, default=14.0, help="for all rows together")
    parser.add_argument("--long", action="store_true", help="every row, at its full size")
    parser.add_argument("--report", type=Path, default=Path("build/chaos.json"))
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.rows) - ROWS.keys()):
        parser.error(f"--rows: there is no row {unknown[0]}")
    return options


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def play(options: argparse.Namespace, programs: Mapping[str, Path]) -> int:
    """Play the rows one after the other on one cluster, and report."""
    report = Report(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="djob-chaos-"))
    folder.chmod(0o700)
    deadline = time.monotonic() + options.minutes * 60
    try:
        with Rig(folder, programs) as rig:
            print(heading(), flush=True)
            rows = chosen(options)
            waiting = {row.number for row in rows}
            for row in rows:
                kept = KEPT_MINUTES if MIX in waiting and row.number != MIX else CLOSING_MINUTES
                left = (deadline - time.monotonic()) / 60 - kept
                line = play_row(rig, row, options, left)
                report.lines.append(line)
                report.write(options.report)
                print(shown(line), flush=True)
    except BaseException as error:
        report.ended_early = f"{type(error).__name__}: {error}"
        raise
    finally:
        report.processes_left = isolation.processes()
        report.write(options.report)
        print(report.closing(), flush=True)
        if report.failed:
            print(f"logs and ledgers: {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if report.failed else 0


def chosen(options: argparse.Namespace) -> list[Row]:
    """The rows to play, in order; without a choice those that fit the time."""
    numbers = options.rows or [n for n in ROWS if options.long or not ROWS[n].only_long]
    return [ROWS[number] for number in sorted(numbers)]


def play_row(rig: Rig, row: Row, options: argparse.Namespace, minutes: float) -> Line:
    """Play one row, whatever it does, and mend the cluster behind it."""
    began = time.monotonic()
    if minutes <= 0:
        return Line(row, "not run", 0.0, reason="the time was over; make chaos-long has time")
    trial = Trial(rig, row.number, options.seed, long=options.long, minutes=minutes)
    verdict, reason = "", ""
    try:
        row.play(trial)
    except CannotBeDoneError as error:
        verdict, reason = "cannot", str(error)
    except Exception as error:
        trial.demand(False, "-", f"{type(error).__name__}: {error}")
        traceback.print_exc()
    try:
        trial.conclude()
    except Exception as error:
        trial.demand(False, "-", f"{type(error).__name__}: {error}")
        traceback.print_exc()
    if trial.result.violations:
        verdict = "FAIL"
    return Line(row, verdict or "pass", time.monotonic() - began, trial.result, reason)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
