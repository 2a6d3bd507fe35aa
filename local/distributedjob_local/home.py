"""The user's home directory, and where programs keep things below it."""

import os
import pwd
from pathlib import Path

from distributedjob_local.errors import HomeMissingError


def user_directory(variable: str, below_home: str) -> Path:
    """The directory that a variable of the XDG specification names, or its default.

    Raises:
        HomeMissingError: neither the variable nor a home directory is known.
    """
    chosen = os.environ.get(variable)
    return Path(chosen) if chosen else _home(variable) / below_home


def _home(variable: str) -> Path:
    home = os.environ.get("HOME")  # Empty it would mean the root directory.
    if home:
        return Path(home)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError as error:
        raise HomeMissingError(f"there is no home directory; set HOME or {variable}") from error
