"""A clean-up goes to its end also where nobody reads what is said about it any more."""

import os
import subprocess
import sys

PROGRAM = """
import signal
from distributedjob_local.interrupts import ended_in_order, uninterrupted
from distributedjob_local.progress import Progress

with ended_in_order():
    try:
        signal.raise_signal(signal.SIGHUP)
    finally:
        with uninterrupted("still cleaning up"):
            signal.raise_signal(signal.SIGHUP)
            Progress().note("waiting for something")
            print("cleaned up", flush=True)
"""


def test_a_terminal_that_was_closed_keeps_nothing_from_ending() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            stdout=subprocess.PIPE,
            stderr=writing,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.stdout, done.returncode) == ("cleaned up\n", 129)
