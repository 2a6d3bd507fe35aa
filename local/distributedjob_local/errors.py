"""What can go wrong, each as one line a user can act on."""

from pathlib import Path


class LocalError(Exception):
    """The text is the whole message; nobody shows a traceback of it."""


class UnsupportedMachineError(LocalError):
    """This operating system or processor is none the cluster runs on."""


class HomeMissingError(LocalError):
    """Nobody knows where this user keeps things."""


class BinaryMissingError(LocalError):
    """No source had a program that the cluster needs."""


class ComponentDiedError(LocalError):
    """A process ended before it was ready."""

    def __init__(self, name: str, log: Path, tail: str) -> None:
        super().__init__(f"{name} ended before it was ready; the end of {log}:\n{tail}")
        self.name = name
        self.tail = tail

    @property
    def port_was_taken(self) -> bool:
        """Whether somebody else was faster at the port; another one will do."""
        return "address already in use" in self.tail


class NotReadyError(LocalError):
    """A process runs but does not become ready in time."""


class ComponentLostError(LocalError):
    """Something that the jobs need has ended while they were running."""


class UnreadableStateError(LocalError):
    """A file of the state directory is not what was once written to it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path} is no {what}; end what can be found: djob local down")
        self.path = path


class RefusedFileError(LocalError):
    """The API server, or kubectl before it, refused what a user wrote."""
