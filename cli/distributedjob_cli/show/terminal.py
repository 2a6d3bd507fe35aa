"""Where output goes: printed at once, quietly ended when nobody reads any more."""

import codecs
import os
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, TextIO

import typer

from distributedjob_cli.errors import BROKEN_PIPE
from distributedjob_cli.show.safe import escaped

PIECE_CHARACTERS: Final = 1 << 14


def copy(pieces: Iterable[bytes], target: BinaryIO) -> None:
    """Write every piece as it comes; end quietly when nobody reads any more."""
    try:
        for piece in pieces:
            target.write(piece)
            target.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), target.fileno())
        raise typer.Exit(BROKEN_PIPE) from None


def write(text: str) -> None:
    """Print a text; what could steer a terminal is spelled out there."""
    write_all([text])


def write_all(texts: Iterable[str]) -> None:
    """The same of texts as they come, some at a time."""
    copy(shown(_joined(texts), raw=False), sys.stdout.buffer)


def _joined(texts: Iterable[str]) -> Iterator[bytes]:
    part, size = [], 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= PIECE_CHARACTERS:
            yield "".join(part).encode("utf-8", "surrogateescape")
            part, size = [], 0
    yield "".join(part).encode("utf-8", "surrogateescape")


def note(text: str) -> None:
    """Say something beside the output, spelled out where it could steer a terminal."""
    print(escaped(text), file=sys.stderr, flush=True)


def to_terminal() -> bool:
    """Whether a person looks at the output as it is."""
    return sys.stdout.isatty()


def redraws(stream: TextIO) -> bool:
    """Whether what stands on a screen already can be drawn anew there."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def shown(pieces: Iterable[bytes], raw: bool) -> Iterable[bytes]:
    """What tasks wrote, spelled out where it could steer a terminal, unless ``raw``."""
    if raw or not to_terminal():
        return pieces
    return _spelled(pieces)


def _spelled(pieces: Iterable[bytes]) -> Iterable[bytes]:
    # A character may be cut in two between pieces.
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for piece in pieces:
        yield escaped(decoder.decode(piece)).encode("utf-8")
    yield escaped(decoder.decode(b"", final=True)).encode("utf-8")
