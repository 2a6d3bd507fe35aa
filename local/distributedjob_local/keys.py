"""The key that signs service account tokens."""

import base64
import secrets

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIME256V1 = bytes.fromhex("06082a8648ce3d030107")  # The object identifier, encoded.


def new_private_key() -> str:
    """A fresh P-256 private key, in the PEM form of RFC 5915.

    The optional public point is left out: readers compute it from the scalar, so no
    curve arithmetic is needed to write one.
    """
    scalar = (1 + secrets.randbelow(P256_ORDER - 1)).to_bytes(32)
    version = b"\x02\x01\x01"
    body = version + b"\x04\x20" + scalar + b"\xa0" + bytes([len(PRIME256V1)]) + PRIME256V1
    text = base64.encodebytes(b"\x30" + bytes([len(body)]) + body).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"
