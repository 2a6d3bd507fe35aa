"""Why an attempt did not succeed: one precise word each, as conditions use them.

A reason says what to change: the command, the node, or nothing at all.
"""

from typing import Final

ERROR: Final = "Error"
"""The task ran and exited with a code other than 0."""

SIGNALED: Final = "Signaled"
"""A signal that the agent did not send ended the task."""

DEADLINE_EXCEEDED: Final = "DeadlineExceeded"
"""The attempt ran into ``timeoutSeconds`` and was ended."""

OUTPUT_TOO_LARGE: Final = "OutputTooLarge"
"""The task wrote more than the agent is ready to hold and was ended."""

STOPPED: Final = "Stopped"
"""Ended by command; charged to nobody, never reported as a failure."""

NOT_FOUND: Final = "NotFound"
"""The program, or the interpreter that its first line names, does not exist."""

NOT_EXECUTABLE: Final = "NotExecutable"
"""The program exists but may not be executed."""

BAD_FORMAT: Final = "BadFormat"
"""The file is executable but no program of this machine, nor a script with ``#!``."""

BUSY: Final = "ProgramBusy"
"""The program's file is open for writing."""

ARGUMENT_LIST_TOO_LONG: Final = "ArgumentListTooLong"
"""One argument is over 128 KiB, or all of them with the environment are too much."""

INVALID_ARGUMENT: Final = "InvalidArgument"
"""An argument or a variable holds a NUL byte, which no program can be given."""

WORKING_DIR_MISSING: Final = "WorkingDirMissing"
"""``workingDir`` does not exist at this node, or is no directory."""

WORKING_DIR_DENIED: Final = "WorkingDirDenied"
"""``workingDir`` exists but may not be entered."""

DISK_FULL: Final = "DiskFull"
"""No space, or no inode, for the task's directory."""

TOO_MANY_PROCESSES: Final = "TooManyProcesses"
"""The node's or the container's limit of processes is reached."""

TOO_MANY_FILES: Final = "TooManyOpenFiles"
"""The agent's or the node's limit of open files is reached."""

OUT_OF_MEMORY: Final = "OutOfMemory"
"""There was no memory to start the task."""

START_FAILED: Final = "StartFailed"
"""Anything else that the system answered; the tail holds its words."""

INTERRUPTED: Final = "Interrupted"
"""The attempt was lost with its worker."""

INTERRUPTION_LIMIT_EXCEEDED: Final = "InterruptionLimitExceeded"
"""The index was lost with its worker more often than ``interruptionLimit`` allows."""

HOPELESS: Final = frozenset(
    {
        NOT_FOUND,
        NOT_EXECUTABLE,
        BAD_FORMAT,
        ARGUMENT_LIST_TOO_LONG,
        INVALID_ARGUMENT,
        WORKING_DIR_MISSING,
        WORKING_DIR_DENIED,
    }
)
"""Reasons that another attempt cannot change: the command itself cannot start."""
