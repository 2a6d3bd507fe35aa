"""Who is ended before new work begins."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from distributedjob_worker.execution import orphans, presence

answers = [[0], [0], []]
presence.holders = lambda home: answers.pop(0)
orphans.end_leftovers("nobody/", Path(sys.argv[1]))
print(answers)
"""


def test_an_executor_of_another_container_is_waited_for(tmp_path: Path) -> None:
    # The kernel names it 0, which as a pid would be the agent's own group.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path],
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n")
