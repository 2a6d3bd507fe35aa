"""The environment, read once into one frozen model."""

import os
import re
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from distributedjob_api.logs import Style
from distributedjob_api.quantity import memory_bytes
from distributedjob_operator.errors import SettingsError

_PREFIX: Final = "DJOB_"
_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_POOL: Final = rf"{_LABEL}=(\*|{_LABEL}(,{_LABEL})*)"

Label = Annotated[str, Field(pattern=rf"^{_LABEL}$")]
Subdomain = Annotated[str, Field(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _memory(value: object) -> object:
    return memory_bytes(value) if isinstance(value, str) else value


class Settings(BaseModel):
    """Every setting of the operator; each is the environment variable ``DJOB_<NAME>``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    nats_url: Annotated[str, Field(pattern=r"^(nats|tls)://.+")] = "nats://127.0.0.1:4222"
    nats_user: str = ""
    nats_password_file: Path | None = None
    lease_namespace: Label = "djob-system"
    lease_name: Subdomain = "distributedjob"
    identity: Annotated[str, Field(min_length=1)] = Field(default_factory=socket.gethostname)
    incarnation: str = Field(default_factory=lambda: uuid.uuid4().hex[:8], init=False)
    namespaces: str = ""
    pools: str = ""
    lease_duration_seconds: Seconds = 6.0
    renew_deadline_seconds: Seconds = 4.0
    retry_period_seconds: Seconds = 1.0
    silence_seconds: Seconds = 20.0
    report_seconds: Annotated[float, Field(ge=0.005, le=86_400)] = 0.05
    journal_replicas: Annotated[int, Field(ge=1, le=5)] = 1
    journal_max_bytes: Annotated[int, BeforeValidator(_memory), Field(ge=1024**2, le=1024**6)] = (
        4 * 1024**3
    )
    journal_max_age_seconds: Annotated[float, Field(ge=60, le=315_360_000)] = 7 * 86_400.0
    endpoint_listen: str = "127.0.0.1:8080"
    endpoint_url: str = ""
    log_level: Annotated[Level, BeforeValidator(str.upper)] = "INFO"
    log_format: Annotated[Style, BeforeValidator(str.lower)] = "text"
    metrics_per_job: bool = False

    @model_validator(mode="after")
    def _addresses(self) -> "Settings":
        try:
            found = urlsplit(self.nats_url)
            usable = bool(found.hostname) and found.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(_mistake("nats_url"))
        port = self.endpoint_listen.rpartition(":")[2]
        if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65_535):
            raise ValueError(_mistake("endpoint_listen", self.endpoint_listen))
        if any(not re.fullmatch(_LABEL, name) for name in self.watched_namespaces):
            raise ValueError(_mistake("namespaces", self.namespaces))
        if not re.fullmatch(rf"({_POOL}(;{_POOL})*)?", self.pools):
            raise ValueError(_mistake("pools", self.pools))
        return self

    @model_validator(mode="after")
    def _intervals(self) -> "Settings":
        # As client-go checks them, with its jitter factor of 1.2.
        if not self.lease_duration_seconds > self.renew_deadline_seconds:
            raise ValueError("DJOB_LEASE_DURATION_SECONDS must exceed DJOB_RENEW_DEADLINE_SECONDS")
        if not self.renew_deadline_seconds > 1.2 * self.retry_period_seconds:
            raise ValueError(
                "DJOB_RENEW_DEADLINE_SECONDS must exceed 1.2 x DJOB_RETRY_PERIOD_SECONDS"
            )
        return self

    @property
    def holder(self) -> str:
        """Who holds the Lease: no two processes are ever the same one (as in client-go)."""
        return f"{self.identity}_{self.incarnation}"

    @property
    def installation(self) -> str:
        """The installation's name: the Lease's namespace and name."""
        return f"{self.lease_namespace}/{self.lease_name}"

    @property
    def watched_namespaces(self) -> list[str]:
        """The namespaces to serve; none means all."""
        return [name.strip() for name in self.namespaces.split(",") if name.strip()]

    @property
    def served(self) -> dict[str, frozenset[str]]:
        """The namespaces that each pool serves, ``*`` for all; nothing means all, in every pool."""
        named = (entry.partition("=") for entry in self.pools.split(";") if entry)
        return {pool: frozenset(names.split(",")) for pool, _, names in named}

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port of the endpoint."""
        host, _, port = self.endpoint_listen.rpartition(":")
        return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what an empty host means

    def password(self) -> str:
        """The NATS password; raises :class:`SettingsError` where it cannot be read."""
        if self.nats_password_file is None:
            return ""
        try:
            return self.nats_password_file.read_text().strip()
        except OSError as error:
            raise SettingsError(
                f"DJOB_NATS_PASSWORD_FILE {self.nats_password_file} cannot be read"
                f" ({error.strerror}): name a file that holds the password"
            ) from error
        except UnicodeDecodeError as error:
            raise SettingsError(
                f"DJOB_NATS_PASSWORD_FILE {self.nats_password_file} is not UTF-8:"
                " name a file that holds the password"
            ) from error


_SECONDS: Final = "a number of seconds above 0, at most 86400"
_REMEDIES: Final = {
    "nats_url": "the server's URL, such as nats://nats:4222",
    "lease_namespace": "the name of a namespace, such as djob-system",
    "lease_name": "a DNS name, such as distributedjob",
    "namespaces": "names of namespaces with commas between, or leave it unset for all",
    "pools": "pools with the namespaces they serve, such as default=*;gpu=team-a,team-b",
    "lease_duration_seconds": _SECONDS,
    "renew_deadline_seconds": _SECONDS,
    "retry_period_seconds": _SECONDS,
    "silence_seconds": _SECONDS,
    "report_seconds": "a number of seconds, from 0.005 to 86400",
    "journal_replicas": "how many NATS servers keep the journal, 1 to 5",
    "journal_max_bytes": "a memory quantity from 1Mi to 1Ei, such as 4Gi",
    "journal_max_age_seconds": "a number of seconds, from 60 to 315360000",
    "endpoint_listen": "host:port, such as 127.0.0.1:8080",
    "log_level": "DEBUG, INFO, WARNING or ERROR",
    "log_format": "text or json",
    "metrics_per_job": "true or false",
}


def _mistake(field: str, value: str = "") -> str:
    """One line; without the value where that could hold a password."""
    state = f"is {value!r}" if value else "makes no sense"
    return f"{_PREFIX}{field.upper()} {state}: set it to {_REMEDIES.get(field, 'a valid value')}"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment; an empty variable counts as not set.

    Raises:
        SettingsError: a variable makes no sense; the message names it.
    """
    values = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(_PREFIX) and value.strip()
    }
    # No two processes are ever the same one, whatever they inherit.
    values.pop("incarnation", None)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise SettingsError(str(first["ctx"]["error"])) from None
        field = str(first["loc"][0])
        value = "" if field == "nats_url" else values.get(field, "")
        raise SettingsError(_mistake(field, value)) from None
