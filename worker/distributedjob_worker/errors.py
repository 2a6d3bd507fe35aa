"""The worker's errors; each message says what to do about it."""


class WorkerError(Exception):
    """Anything that the agent reports in one line instead of a traceback."""


class SettingsError(WorkerError):
    """A variable of the environment is missing or malformed."""


class SpoolError(WorkerError):
    """The state directory cannot be used."""


class TransportError(WorkerError):
    """The connection to NATS ended for good."""
