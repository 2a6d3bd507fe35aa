"""``make docs``: run the commands of docs/cli.md on a cluster of their own and keep what they say.

In every ``console`` block a line that begins with ``$`` is a command, and what stands
below it up to the next one is its output, standard error included. The document's own
``djob local up`` and ``down`` start and end the cluster.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCUMENT = Path(__file__).with_name("cli.md")
BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
STATE = "/home/you/.local/state"
SECONDS = 120


def main() -> int:
    """Record the whole document; returns the exit code."""
    text = DOCUMENT.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="djob-docs-") as folder:
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("DJOB_") and name != "KUBECONFIG"
        } | {
            "HOME": folder,
            "XDG_STATE_HOME": folder,
            "XDG_CACHE_HOME": cache,
            # The cluster brings kubectl along.
            "PATH": f"{Path(sys.executable).parent}:{folder}/distributedjobs/local/bin"
            f":{os.environ['PATH']}",
        }
        try:
            recorded = BLOCK.sub(lambda block: _block(block[1], environment, folder), text)
        finally:
            _run("djob local down --purge", environment, folder)
    DOCUMENT.write_text(recorded, encoding="utf-8")
    return 0


def _block(text: str, environment: dict[str, str], folder: str) -> str:
    commands = [line for line in text.splitlines() if line.startswith("$ ")]
    parts = []
    for command in commands:
        print(command, flush=True)
        parts.append(f"{command}\n{_run(command[2:], environment, folder)}")
    return "".join(parts)


def _run(command: str, environment: dict[str, str], folder: str) -> str:
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    code = f"[exit code {done.returncode}]\n" if done.returncode else ""
    return done.stdout.replace(folder, STATE) + code


if __name__ == "__main__":
    sys.exit(main())
