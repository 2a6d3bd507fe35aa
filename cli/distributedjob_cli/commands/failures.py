"""``djob failures JOB``: what went wrong, grouped, with examples."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from distributedjob_cli.show import formats, human, terminal
from distributedjob_cli.show.formats import ViewOutput
from distributedjob_cli.show.safe import escaped, one_line
from distributedjob_cli.target import Job, Target

EXAMPLES = """Examples:

\b
  djob failures primes
  djob failures primes -o json
"""

TAIL_LINES: Final = 5
INDEX_CHARACTERS: Final = 120


def failures(target: Target, job: Job, output: ViewOutput = None) -> None:
    """Show why attempts failed, with examples.

    Those with the same reason, exit code and signal are one group.
    """
    with target.operator() as operator:
        found = operator.job_view(target.job(job), "failures", {})
    if output in ("json", "yaml"):
        terminal.write(formats.as_document(found, output))
    else:
        terminal.write("\n".join(shown(found, job)) + "\n")


def shown(found: Mapping[str, Any], job: str) -> Iterator[str]:
    """The groups, for people."""
    groups, unrecorded = found["groups"], found["unrecorded"]
    if not groups and not unrecorded:
        yield f"No attempt of {job} failed."
        return
    for group in groups:
        yield f"{_title(group)}: {_cost(group)}"
        if group["indexes"]:
            yield f"  tasks {_cut(group['indexes'])}"
        for example in group["examples"]:
            yield f"  e.g. task {example['index']}, attempt {example['attempt']}," + (
                f" on {one_line(example['node'])}:"
            )
            yield from _tail(example["tail"])
        yield ""
    if unrecorded:
        yield f"Without a record in the journal: {human.count(unrecorded, 'failed task')}"
        yield f"  tasks {_cut(found['unrecordedIndexes'])}"
        yield ""
    yield f"All of what they wrote: djob logs {job} --failed"


def _title(group: Mapping[str, Any]) -> str:
    reason, code, signal = group["reason"], group["exitCode"], group["signal"]
    if signal:
        return f"{reason}, signal {signal}"
    return f"{reason}, exit code {code}" if code > 0 else str(reason)


def _cost(group: Mapping[str, Any]) -> str:
    tasks = human.count(group["tasks"], "task")
    attempts = human.count(group["attempts"], "attempt")
    if group["tasks"]:
        return f"{tasks} failed for good, {attempts} in all"
    return f"{attempts}; no task failed for good of it"


def _tail(text: str) -> Iterator[str]:
    lines = escaped(text).splitlines()
    if not lines:
        yield "    (it wrote nothing)"
    if len(lines) > TAIL_LINES:
        yield "    ..."
    yield from (f"    {line}" for line in lines[-TAIL_LINES:])


def _cut(text: str) -> str:
    if len(text) <= INDEX_CHARACTERS:
        return text
    return text[:INDEX_CHARACTERS].rpartition(",")[0] + ",..."
