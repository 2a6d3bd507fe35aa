"""Writes the configuration of NATS with the passwords of its users, each from its own file.

    nats_config.py TEMPLATE KEYS TARGET                     once
    nats_config.py TEMPLATE KEYS TARGET --watch             for ever, with SIGHUP to the server

Watching, it lets the server read its configuration and certificate anew whenever one of the
mounted files changes: passwords after ``--delay`` seconds, by when the kubelets have brought
them to the clients as well, everything else at once.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PAUSE_SECONDS = 1.0
SERVER = "nats-server"


class Unfit(Exception):
    """The mounted files make no configuration; the message says what to do."""


@dataclass(frozen=True)
class Files:
    """What the mounted files hold at one moment."""

    template: str
    keys: dict[str, str]
    certificate: dict[str, bytes]


def read(template: Path, keys: Path, certificate: Path | None) -> Files:
    """The files as they are now."""
    return Files(
        template.read_text("utf-8"),
        {file.name: file.read_text("utf-8").strip() for file in keys.iterdir() if file.is_file()},
        {file.name: file.read_bytes() for file in certificate.iterdir() if file.is_file()}
        if certificate
        else {},
    )


def configuration(files: Files, name: str = "") -> str:
    """The template with the passwords in it, and the server's own name.

    A name from the command line would not do: a server of a cluster that reads its
    configuration anew wants to find it there.

    Raises:
        Unfit: a user has none.
    """
    complete = json.loads(files.template)
    if name:
        complete["server_name"] = name
    accounts = list(complete["authorization"]["users"])
    if "cluster" in complete:
        accounts.append(complete["cluster"]["authorization"])
    for account in accounts:
        user = account["user"]
        if user not in files.keys:
            raise Unfit(f"the Secret has no key {user}: add a password under that name")
        if not files.keys[user]:
            raise Unfit(f"the Secret's key {user} is empty: put a password there")
        account["password"] = files.keys[user]
    if "cluster" in complete:
        secret = quote(files.keys["route"], safe="")
        complete["cluster"]["routes"] = [
            each.replace("://", f"://route:{secret}@") for each in complete["cluster"]["routes"]
        ]
    return json.dumps(complete, indent=2)


def write(text: str, target: Path) -> None:
    """Replace the file as a whole: the server may read it at any moment."""
    beside = target.with_suffix(".new")
    beside.write_text(text, "utf-8")
    beside.replace(target)


def reload(pid_file: Path) -> None:
    """Have the server read its files anew, if it runs yet."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text("utf-8"))
        # The number may be an old one, of a server that has ended since.
        if Path(f"/proc/{pid}/comm").read_text("utf-8").strip() == SERVER:
            os.kill(pid, signal.SIGHUP)
            print("NATS was told to read its configuration anew", flush=True)


def replaced(applied: Files | None, found: Files) -> bool:
    """Whether somebody who has a password gets another one."""
    return applied is not None and any(
        found.keys.get(user) != password for user, password in applied.keys.items()
    )


def watch(options: argparse.Namespace) -> None:
    """Keep the server's configuration as the mounted files are."""
    applied: Files | None = None
    seen: Files | None = None
    since = 0.0
    told = ""
    while True:
        try:
            found = read(options.template, options.keys, options.certificate)
            if found != seen:
                seen, since = found, time.monotonic()
            waits = replaced(applied, found) and time.monotonic() - since < options.delay
            if found != applied and not waits:
                write(configuration(found, options.name), options.target)
                reload(options.pid)
                applied, told = found, ""
        except (Unfit, OSError, ValueError) as error:
            if f"{error}" != told:
                told = f"{error}"
                print(told, file=sys.stderr, flush=True)
        time.sleep(PAUSE_SECONDS)


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser()
    for name in ("template", "keys", "target"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--name", default="")
    parser.add_argument("--watch", action="store_true")
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--pid", type=Path)
    parser.add_argument("--delay", type=float, default=0)
    options = parser.parse_args()
    if options.watch:
        watch(options)
    try:
        found = read(options.template, options.keys, None)
        write(configuration(found, options.name), options.target)
    except Unfit as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
