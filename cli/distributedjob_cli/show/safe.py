"""Text of tasks and of servers on a terminal: what could steer it is spelled out."""

from typing import Final

_PLAIN: Final = frozenset("\n\t")


def escaped(text: str) -> str:
    """A text whose control and format characters are spelled out, as a Python literal has them.

    Line feeds and tabs stay, and a line feed swallows the carriage return before it.
    """
    text = text.replace("\r\n", "\n")
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in _PLAIN else _spelled(char) for char in text
    )


def one_line(text: str) -> str:
    """A text as one line of a table or message: blanks and line feeds become one blank."""
    return escaped(" ".join(text.split()))


def _spelled(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # A byte that is no UTF-8, as surrogateescape keeps it.
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return {"\r": "\\r"}.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
