#!/usr/bin/env bash
# Create a virtual environment from a lock file: venv.sh DIRECTORY LOCK
set -euo pipefail
directory=$1 lock=$2

recent='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && "$candidate" -c "import venv, ensurepip; $recent" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "make: needs Python 3.11 or newer with venv (on Debian: apt install python3-venv), or PYTHON=/path/to/it" >&2
  return 1
}

python=$(find_python)
if ! "$directory/bin/python" -c "$recent" 2>/dev/null; then
  echo "make: creating $directory with $("$python" --version)"
  rm -rf "$directory"
  "$python" -m venv "$directory"
fi
echo "make: installing the locked dependencies"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
