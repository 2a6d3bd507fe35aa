"""Writes the configuration of NATS with the passwords of its users, each from its own file."""

import json
import sys
from pathlib import Path
from urllib.parse import quote

source, keys, target = map(Path, sys.argv[1:])
configuration = json.loads(source.read_text("utf-8"))
accounts = list(configuration["authorization"]["users"])
if "cluster" in configuration:
    route = configuration["cluster"]["authorization"]
    accounts.append(route)
for account in accounts:
    file = keys / account["user"]
    if not file.is_file():
        sys.exit(f"the Secret has no key {account['user']}: add a password under that name")
    account["password"] = file.read_text("utf-8").strip()
    if not account["password"]:
        sys.exit(f"the Secret's key {account['user']} is empty: put a password there")
if "cluster" in configuration:
    secret = quote(route["password"], safe="")
    configuration["cluster"]["routes"] = [
        each.replace("://", f"://route:{secret}@") for each in configuration["cluster"]["routes"]
    ]
target.write_text(json.dumps(configuration, indent=2), "utf-8")
