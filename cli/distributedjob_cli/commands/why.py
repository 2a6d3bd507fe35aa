"""``djob why JOB [INDEX]``: why a job or a task stands where it stands."""

from distributedjob_cli.show import formats, terminal
from distributedjob_cli.show.formats import ViewOutput
from distributedjob_cli.show.safe import one_line
from distributedjob_cli.target import Index, Job, Target

EXAMPLES = """Examples:

\b
  djob why primes                        # why does it wait?
  djob why primes 42                     # and its task 42?
"""


def why(target: Target, job: Job, index: Index = None, output: ViewOutput = None) -> None:
    """Say why a job or a task stands where it stands.

    That is why it waits, runs or is over, and what to do about it.
    """
    params = {} if index is None else {"index": index}
    with target.operator() as operator:
        view = operator.job_view(target.job(job), "why", params)
    if output in ("json", "yaml"):
        terminal.write(formats.as_document(view, output))
    else:
        terminal.write(f"{one_line(view['reason'])}: {one_line(view['message'])}\n")
