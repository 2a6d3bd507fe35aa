"""``$(NAME)`` references, with the meaning they have in a pod's command and env.

``$(NAME)`` is the variable's value, ``$$`` is ``$`` (so that ``$$(NAME)`` stays a
reference in the result), and a reference to an unknown name stays as it is
written. A text is parsed once for a job; what is the same in every task is put in
at once, and only what differs is left to be filled in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_OPERATOR: Final = "$"
_OPENER: Final = "("
_CLOSER: Final = ")"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name whose value differs from task to task."""

    name: str


Part = str | Reference


@dataclass(frozen=True, slots=True)
class Template:
    """A text with holes: literals and references, two literals never in a row."""

    parts: tuple[Part, ...]

    @property
    def constant(self) -> str | None:
        """The whole text where nothing of it differs between tasks."""
        if not self.parts:
            return ""
        only = self.parts[0]
        return only if len(self.parts) == 1 and isinstance(only, str) else None

    def fill(self, values: Mapping[str, str]) -> str:
        """The text of one task."""
        if len(self.parts) == 1:
            # Most are one value: the variables that say which task it is.
            only = self.parts[0]
            return only if isinstance(only, str) else values[only.name]
        return "".join(part if isinstance(part, str) else values[part.name] for part in self.parts)


def compile_template(text: str, known: Mapping[str, Template]) -> Template:
    """Parse a text and put in the variables that are known so far."""
    return _joined(_resolved(text, known))


def literal(text: str) -> Template:
    """A text without references."""
    return Template((text,) if text else ())


def variable(name: str) -> Template:
    """A text that is one per-task value."""
    return Template((Reference(name),))


def _resolved(text: str, known: Mapping[str, Template]) -> Iterable[Part]:
    position = 0
    while (found := text.find(_OPERATOR, position)) != -1:
        yield text[position:found]
        following = text[found + 1 : found + 2]
        if following == _OPERATOR:
            yield _OPERATOR
            position = found + 2
            continue
        end = text.find(_CLOSER, found + 2) if following == _OPENER else -1
        if end == -1:
            # A lone or unclosed operator is text, and so is what follows it.
            yield text[found : found + 2]
            position = found + 2
            continue
        name = text[found + 2 : end]
        if name in known:
            yield from known[name].parts
        else:
            yield text[found : end + 1]
        position = end + 1
    yield text[position:]


def _joined(parts: Iterable[Part]) -> Template:
    joined: list[Part] = []
    for part in parts:
        if part == "":
            continue
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return Template(tuple(joined))
