"""Reading a manifest so that nothing of it is lost without a word."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

Kind = TypeVar("Kind")

_WORDS: Final[dict[type, str]] = {
    bool: "true or false",
    dict: "a mapping",
    int: "a whole number",
    list: "a list",
    str: "a text",
}


class ConvertError(ValueError):
    """A manifest that no DistributedJob can stand for; the message names the field."""


class Part:
    """A mapping of the manifest: fields are taken out, and what is left is named."""

    def __init__(self, value: Any, path: str, notes: list[str]) -> None:
        self.path = path
        self.notes = notes
        self._left: dict[str, Any] = dict(self._checked(value, dict, path))

    def take(self, name: str, kind: type[Kind]) -> Kind | None:
        """A field's value, or None where it is unset.

        Raises:
            ConvertError: it is of another kind.
        """
        value = self._left.pop(name, None)
        return None if value is None else self._checked(value, kind, self.place(name))

    def part(self, name: str) -> "Part":
        """A mapping below this one, empty where it is unset."""
        return Part(self.take(name, dict) or {}, self.place(name), self.notes)

    def parts(self, name: str) -> list["Part"]:
        """A list of mappings."""
        place = self.place(name)
        return [
            Part(value, f"{place}[{position}]", self.notes)
            for position, value in enumerate(self.take(name, list) or [])
        ]

    def texts(self, name: str) -> dict[str, str]:
        """A mapping of texts."""
        found = self.take(name, dict) or {}
        place = self.place(name)
        return {key: self._checked(value, str, f"{place}.{key}") for key, value in found.items()}

    def place(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def note(self, name: str, words: str) -> None:
        """Say something about a field."""
        self.notes.append(f"{self.place(name) if name else self.path}: {words}")

    def ignore(self, *names: str) -> None:
        """These carry nothing that a user wrote, or nothing that matters here."""
        for name in names:
            self._left.pop(name, None)

    def name_the_rest(self, hints: Mapping[str, str] | None = None) -> None:
        """Note each field that nobody took."""
        for name, value in self._left.items():
            # `securityContext: {}` is what the API server writes of its own accord.
            if value not in (None, {}, [], "", False):
                hint = (hints or {}).get(name, "")
                self.note(name, f"not carried over{'; ' if hint else ''}{hint}")
        self._left = {}

    @staticmethod
    def _checked(value: Any, kind: type[Kind], place: str) -> Kind:
        # To Python, True is a whole number.
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        raise ConvertError(f"{place or 'the document'} must be {_WORDS[kind]}")
