"""A task that tries what no task may; prints what worked, and fails if anything did.

Arguments: host of NATS, subjects base of the installation, own pool, other pool,
SHA-256 of the operator's password.
"""

import hashlib
import json
import os
import socket
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

LARGEST = 65_536


def token() -> bool:
    """Is there a service account's token?"""
    return any(Path("/var/run/secrets").rglob("token")) or "KUBERNETES_TOKEN" in os.environ


def api_server() -> bool:
    """Does the API server say anything about Secrets?"""
    url = "https://kubernetes.default.svc/api/v1/secrets"
    try:
        with urllib.request.urlopen(
            url, timeout=5, context=ssl._create_unverified_context()
        ) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        return error.code not in (401, 403)
    except OSError:
        return False  # A network policy lets nothing through.


def operators_key(digest: str) -> bool:
    """Does any file, or the environment or memory of any process, hold it?"""
    for folder in ("/etc", "/home", "/proc", "/run", "/tmp", "/var"):
        for path, _, files in os.walk(folder):
            if path.startswith("/proc") and path.count("/") > 2:
                files = [name for name in files if name in ("environ", "cmdline")]
            for name in files:
                if digest in digests(Path(path, name)):
                    print("operator's key in", path, name)
                    return True
    return False


def digests(file: Path) -> set[str]:
    """The digest of every word in a file."""
    try:
        if not file.is_file():
            return set()
        with file.open("rb") as stream:
            text = stream.read(LARGEST)
    except OSError:
        return set()
    words = text.replace(b"\0", b" ").replace(b"=", b" ").replace(b'"', b" ").split()
    return {hashlib.sha256(word).hexdigest() for word in words}


def nats(host: str, user: str, password: str, *commands: str) -> str:
    """What the server says to a user who sends these commands, up to its answer to a ping."""
    with socket.create_connection((host, 4222), timeout=5) as connection:
        stream = connection.makefile("rwb")
        stream.readline()
        login = {"user": user, "pass": password, "verbose": False, "pedantic": False}
        for line in (f"CONNECT {json.dumps(login)}", *commands, "PING"):
            stream.write(f"{line}\r\n".encode())
        said = ""
        try:
            stream.flush()
            while line := stream.readline().decode():
                if line.startswith("PONG"):
                    return said
                said += line
        except ConnectionError:
            pass  # It hangs up on those it does not know.
        return said or "-ERR"


def main(host: str, base: str, own: str, other: str, digest: str) -> int:
    """Try everything."""
    key = Path("/etc/djob/key/password")
    user = f"pool-{own}"
    try:
        password = key.read_text().strip()
    except OSError:
        password = ""
    worked = [name for name, attempt in (("token", token), ("api", api_server)) if attempt()]
    worked += ["operator's key"] if operators_key(digest) else []
    for name, (who, secret, *commands) in {
        "hear another pool": (user, password, f"SUB {base}.{other}.worker.* 1"),
        "hear another pool's results": (user, password, f"SUB {base}.{other}.leader.* 1"),
        "speak for another pool": (user, password, f"PUB {base}.{other}.leader.x 1", "x"),
        "command a worker": (user, password, f"PUB {base}.{own}.worker.x 1", "x"),
        "announce a leader": (user, password, f"PUB {base}.announce 1", "x"),
        "read the journal": (user, password, "PUB $JS.API.STREAM.NAMES 0", ""),
        "hear everything": (user, password, "SUB > 1"),
        "be the operator": ("operator", password),
        "be nobody": ("", ""),
    }.items():
        if "-ERR" not in nats(host, who, secret, *commands):
            worked.append(name)
    # Where the key may be read, these attempts were refused for what they are.
    if password and "-ERR" in nats(host, user, password, f"SUB {base}.announce 1"):
        worked.append("nothing at all: not even its own subject, so this proves nothing")
    print("; ".join(worked) or "everything was refused")
    return 1 if worked else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
