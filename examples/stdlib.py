"""Print a DistributedJob with one task a file of this Python's standard library.

``python3 examples/stdlib.py | kubectl apply -f -``, and then ``djob output stdlib``:
each line has a file's lines, definitions, and name. Run without the environment of
the repository; it needs nothing but Python.
"""

import json
import os
import sys
import sysconfig
from collections.abc import Iterator

LIBRARY = sysconfig.get_path("stdlib")

# Some files of the library's own tests are no valid Python, on purpose.
TASK = """
import ast, sys, warnings
warnings.simplefilter("ignore")
with open(sys.argv[1], "rb") as file:
    source = file.read()
definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
try:
    found = sum(isinstance(node, definitions) for node in ast.walk(ast.parse(source)))
except (SyntaxError, ValueError):
    found = 0
print(len(source.splitlines()), found, sys.argv[1])
"""


def modules() -> Iterator[str]:
    """Every Python file of the library, relative to it, in order."""
    for folder, folders, files in os.walk(LIBRARY):
        folders[:] = sorted(set(folders) - {"site-packages", "dist-packages", "__pycache__"})
        for file in sorted(files):
            if file.endswith(".py"):
                yield os.path.relpath(os.path.join(folder, file), LIBRARY)


def manifest() -> dict[str, object]:
    """The job; the tasks run this very interpreter, whose files they are."""
    interpreter = os.path.realpath(sys.executable)
    return {
        "apiVersion": "distributedjob.dev/v1alpha1",
        "kind": "DistributedJob",
        "metadata": {"name": "stdlib"},
        "spec": {
            "items": list(modules()),
            "template": {
                "command": [interpreter, "-I", "-S", "-c", TASK, "$(DJOB_ITEM)"],
                "workingDir": LIBRARY,
            },
        },
    }


if __name__ == "__main__":
    json.dump(manifest(), sys.stdout, indent=2)
    print()
