"""What ``docs/job-api.md`` says beside its tables."""

from typing import Final

from distributedjob_api import constants

HEAD: Final = f"""\
<!-- Generated from crds/distributedjob_api by `make crds`; do not edit. -->
# DistributedJob: the fields

`apiVersion: {constants.API_VERSION}`, `kind: {constants.KIND}`. Names and meaning are those of
`batch/v1` Job wherever it has them; the last column names the field of a Job's `spec` that a field
mirrors. The API server refuses whatever leaves the bounds with a message that says what to write
instead; what only shows later becomes a condition. `djob convert -f job.yaml`, or
`distributedjob_api.convert.from_job(manifest)` in Python, turns an Indexed Job
into a DistributedJob and names what it could not carry over.

## spec
"""

RULES: Final = """\
## Rules over several fields
"""

DIFFERENCES: Final = f"""\
## Differences from Job, on purpose

- **`parallelism` unset means all free CPU** of the pool, and 0 pauses the job. In a Job, unset
  means 1.
- **Deadlines stand still while a job is suspended** and begin with the first task that starts. A
  Job begins with its `startTime`, and anew each time it is resumed. The shortest deadline is 1 s.
- **Every index has its own retries**: `backoffLimitPerIndex` is 3 unless set, and there is no
  `backoffLimit` unless set. A Job has a `backoffLimit` of 6 and retries per index only where asked.
- **The wait between attempts** is 1 s, doubled up to 60 s, and can be set. A Job waits 10 s,
  doubled up to 10 minutes, which `djob convert` carries over. An attempt that was lost without a
  charge makes the next wait no longer.
- **Attempts lost with their worker are not failures.** They have `interruptionLimit`, and rules of
  `failurePolicy` match them as the reason `Interrupted`, where a Job has the pod condition
  `DisruptionTarget`. Planned stops, lost nodes and lost connections count towards no limit; when a
  worker crashes, what it ran is run again one suspect a worker, and only a task that was alone, or
  the only suspect, is charged.
- **At most once** is `backoffLimitPerIndex: 0` with `interruptionLimit: 0`: an attempt that may
  have started never starts again and ends as `Interrupted` when it is lost, stopped or suspended.
  What may start is recorded first, so such a job starts a little slower.
- **`backoffLimit` and `maxFailedIndexes` cannot be changed** after creation. In a Job they can.
- **`completions` cannot be changed.** An Indexed Job can be made larger or smaller with its
  `parallelism`.
- **`nodeSelector` and `tolerations` may change while the job is suspended**, also after it has run,
  and in the very write that suspends or resumes it.
- **Exit codes are 0 to 255**, which is what Linux has. In a Job they are any integer.
- **A task that a signal ended has no exit code**, and matches `onReasons: [Signaled]` alone. In a
  Job it has 128 and the signal's number, which `onExitCodes` with `NotIn` mostly matches.
- **stdout and stderr are files**, in a pod pipes. What opens one by its name empties it: in a
  script write `>&2` and not `> /dev/stderr`, nor `tee /dev/stderr`. An attempt that writes more
  than 256 MiB to one of them ends as `OutputTooLarge`.
- **`Suspended` is True once the tasks have ended**, with `suspendMode: Drain` by themselves. In a
  Job it is True as soon as `suspend` was seen.
- **`startTime` is when the first task was handed out.** In a Job it is when the controller took
  the Job up.
- **`succeededIndexes` has at least one index and at most 4,096 characters**, `succeededCount` is at
  least 1.
- **An index is not started again before its last attempt has ended**, as in a Job with
  `podReplacementPolicy: Failed`, or before its worker is given up as lost.
- **A job has no finalizer.** Deleting one returns at once, and its processes end within their
  grace; set `cancel` first where it matters that they have ended.
- **There is no image and there are no volumes.** Tasks run in the container of the pool's workers:
  files, programs and secrets that they need are mounted in the pool.
- **A pod's `activeDeadlineSeconds` is `template.timeoutSeconds`**, and counts for one attempt.
- **`{constants.MANAGER}`** is the name of this operator in `managedBy`.
"""

STATUS: Final = """\
## status
"""
