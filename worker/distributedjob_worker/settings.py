"""The environment as one frozen model, read once."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from distributedjob_api.constants import DEFAULT_POOL
from distributedjob_api.logs import Style
from distributedjob_api.quantity import QuantityError, cpu_millis, memory_bytes
from distributedjob_worker.errors import SettingsError
from distributedjob_worker.execution.presence import PLACES


def _cpu(value: object) -> object:
    return cpu_millis(value) if isinstance(value, str) else value


def _memory(value: object) -> object:
    return memory_bytes(value) if isinstance(value, str) else value


def _url(value: str) -> str:
    parts = urlsplit(value)
    # The port is parsed, and found to be none, where it is asked for.
    if parts.scheme not in ("nats", "tls") or not parts.hostname or parts.port == 0:
        raise ValueError(value)
    if any(character in ", " for character in parts.hostname):
        raise ValueError(value)
    return value


def _address(value: str) -> str:
    port = value.rpartition(":")[2]
    if value and not (":" in value and re.fullmatch("[0-9]{1,5}", port) and int(port) <= 65_535):
        raise ValueError(value)
    return value


def _all_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


_VARIABLE: Final = "[A-Za-z_][A-Za-z0-9_]*"
_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

SLOTS_AN_EXECUTOR: Final = 4
"""About what one interpreter keeps busy with the shortest tasks, and a little more."""

Text = Annotated[str, Field(min_length=1)]


class Settings(BaseModel):
    """What the agent is told; each field is the variable named in its alias."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    nats_url: Annotated[str, AfterValidator(_url)] = Field(alias="DJOB_NATS_URL")
    nats_user: str = Field("", alias="DJOB_NATS_USER")
    nats_password_file: Path | None = Field(None, alias="DJOB_NATS_PASSWORD_FILE")
    installation: Text = Field(alias="DJOB_INSTALLATION", pattern=r"^[^/]+/[^/]+$")
    pool: Text = Field(DEFAULT_POOL, alias="DJOB_POOL", pattern=f"^{_LABEL}$", max_length=63)
    node: Text = Field(alias="DJOB_NODE", pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)
    address: str = Field("", alias="DJOB_ADDRESS")
    cpu_millis: Annotated[int, BeforeValidator(_cpu), Field(ge=1)] = Field(
        default_factory=lambda: (os.cpu_count() or 1) * 1000, alias="DJOB_CPU"
    )
    cpu_share: Annotated[float, Field(gt=0, le=1)] = Field(1.0, alias="DJOB_CPU_SHARE")
    cpu_reserve_millis: Annotated[int, BeforeValidator(_cpu), Field(ge=0)] = Field(
        0, alias="DJOB_CPU_RESERVE"
    )
    memory_bytes: Annotated[int, BeforeValidator(_memory), Field(ge=1)] = Field(
        default_factory=_all_memory, alias="DJOB_MEMORY"
    )
    executors: int | None = Field(None, alias="DJOB_EXECUTORS", ge=1, le=PLACES)
    task_env: str = Field("", alias="DJOB_TASK_ENV", pattern=rf"^({_VARIABLE}(,{_VARIABLE})*)?$")
    # Tasks get paths in it, and each begins elsewhere.
    state_dir: Annotated[Path, AfterValidator(Path.absolute)] = Field(alias="DJOB_STATE_DIR")
    journal: bool = Field(True, alias="DJOB_JOURNAL")
    ready_file: Path | None = Field(None, alias="DJOB_READY_FILE")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="DJOB_LOG_LEVEL")
    log_format: Style = Field("text", alias="DJOB_LOG_FORMAT")
    metrics_listen: Annotated[str, AfterValidator(_address)] = Field(
        "", alias="DJOB_METRICS_LISTEN"
    )

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port where metrics are served; None where nowhere."""
        if not self.metrics_listen:
            return None
        host, _, port = self.metrics_listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def usable_cpu_millis(self) -> int:
        """The CPU that tasks may fill: the share of what there is, less the reserve."""
        return max(0, int(self.cpu_millis * self.cpu_share) - self.cpu_reserve_millis)

    def slots(self, cores: int) -> int:
        """How many tasks of one CPU run at once, no more than there are cores."""
        return max(1, min(self.usable_cpu_millis // 1000, cores))

    def executor_count(self, cores: int) -> int:
        """How many processes start tasks; 1 means the agent's own."""
        return min(
            self.executors or -(-self.slots(cores) // SLOTS_AN_EXECUTOR),
            PLACES,
        )


_REMEDIES: Final = {
    "DJOB_NATS_URL": "the server's URL, such as nats://nats:4222",
    "DJOB_INSTALLATION": "the operator's Lease as namespace/name",
    "DJOB_POOL": (
        "the pool's name, a DNS label: up to 63 lower-case letters, digits and '-',"
        " with a letter or digit at both ends"
    ),
    "DJOB_NODE": (
        "the node's name, a DNS name of up to 253 lower-case letters, digits, '-' and '.';"
        " in a pod take it from spec.nodeName"
    ),
    "DJOB_CPU": "a CPU quantity above 0, such as 2 or 500m",
    "DJOB_CPU_SHARE": "a number above 0, up to 1",
    "DJOB_CPU_RESERVE": "a CPU quantity, such as 500m",
    "DJOB_TASK_ENV": "names of variables with commas between, such as PATH,LANG",
    "DJOB_EXECUTORS": f"a number of processes from 1 to {PLACES}, or leave it out",
    "DJOB_MEMORY": "a memory quantity above 0, such as 4Gi",
    "DJOB_STATE_DIR": "a directory that the agent may write and that outlives a restart",
    "DJOB_JOURNAL": "true, or false to keep no record of attempts and of what they wrote",
    "DJOB_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR",
    "DJOB_LOG_FORMAT": "text or json",
    "DJOB_METRICS_LISTEN": "host:port, such as :9464, or leave it unset for no metrics",
}


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the ``DJOB_`` variables; an empty one counts as not set.

    Raises:
        SettingsError: one is missing or malformed; the message names it and says
            what to write.
    """
    given = {name: value for name, value in environment.items() if value}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        # Passwords of URLs are not for the log, least of all those that make a URL malformed.
        state = f"is {re.sub('//.*@', '//', given[name])!r}" if name in given else "is not set"
        remedy = _REMEDIES.get(name, "a valid value")
        raise SettingsError(f"{name} {state}: set it to {remedy}") from error
    except QuantityError as error:
        raise SettingsError(str(error)) from error


def task_environment(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that tasks get from the agent's environment; ours are none of them."""
    names = settings.task_env.split(",") if settings.task_env else []
    return {
        name: environment[name]
        for name in names
        if name in environment and not name.startswith("DJOB_")
    }


def read_password(settings: Settings) -> str:
    """The NATS password, or nothing where no file is named."""
    if settings.nats_password_file is None:
        return ""
    try:
        return settings.nats_password_file.read_text("utf-8").strip()
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"DJOB_NATS_PASSWORD_FILE {settings.nats_password_file} is not UTF-8:"
            " name a file that holds the password"
        ) from error
    except OSError as error:
        raise SettingsError(
            f"DJOB_NATS_PASSWORD_FILE {settings.nats_password_file} cannot be read"
            f" ({error.strerror}): name a file that holds the password"
        ) from error
