"""What callers of the endpoint and of its page send as text: a token, and numbers."""


def bearer(header: str) -> str:
    """The token of an Authorization header; empty where that holds another kind, or none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def whole_number(text: str, digits: int) -> int | None:
    """A number of so many digits at most; None where the text is no such number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
