"""Settings of [[schedule]] and [notify]: when runs start automatically, and who is notified of their outcome."""

import re
import urllib.parse
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from spec.base import Strict
from spec.timing.cron import Cron

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
VARIABLE = re.compile(r"\$\{(\w+)\}")
"""An environment variable in a webhook's address."""
_URL = "!#$%&'()*+,/:;=?@[]~"

Event = Literal["failure", "gate", "push", "recovery"]


def _seconds(value: Any) -> Any:
    """Convert a duration such as "90m" to seconds; return a number unchanged."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value.strip())
    if match is None:
        raise ValueError('write a duration as "30s", "90m", "4h" or "1d"')
    return float(match[1]) * UNITS[match[2]]


Duration = Annotated[float, BeforeValidator(_seconds)]


class Schedule(Strict):
    """A schedule that starts runs."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    """Unique in the file; PIPELINE:NAME on the command line."""
    on: Literal["time", "new-span"] = "time"
    """time: run at each time of `cron`. new-span: run if the newest span of the data has changed since the last run;
    checked at each time of `cron`, or every minute without one."""
    cron: str | None = None
    """Five fields such as "0 3 * * *", or @hourly, @daily, @weekly, @monthly, @yearly. Optional with on =
    "new-span"."""
    timezone: str = "UTC"
    """Time zone of `cron`, such as Europe/Berlin."""
    catchup: Literal["none", "last", "all"] = "last"
    """Times missed while no scheduler ran: none (skip those later than a minute), last (run the last one), all (run one
    after the other)."""
    overlap: Literal["skip", "queue"] = "skip"
    """A time that comes while an earlier run of this schedule is running or waiting: skip it, or queue it."""
    timeout: Duration | None = Field(default=None, gt=0)
    """Time limit of an attempt, in seconds or as "90m" or "4h"."""
    retries: int = Field(default=0, ge=0, le=20)
    """Number of retries after an attempt that failed, timed out or was lost; each resumes after the last finished
    stage. A blocked run, or an error in config, data or code, is not retried."""
    backoff: Duration = Field(default=60.0, ge=0)
    """Pause before the first retry, in seconds or as "5m"; it doubles for each later one."""
    variant: str | None = None
    """Variant to run, or "all"."""

    @model_validator(mode="after")
    def _known_times(self) -> "Schedule":
        if self.cron is None and self.on == "time":
            raise ValueError('cron is needed, as cron = "0 3 * * *", or on = "new-span"')
        self.times()
        return self

    def times(self) -> Cron:
        """Return the times at which the schedule is checked."""
        return Cron(self.cron or "* * * * *", self.timezone)


class Notify(Strict):
    """Who is notified how scheduled runs ended."""

    model_config = ConfigDict(hide_input_in_errors=True)

    command: str | None = None
    """Shell command; it receives the message as JSON on standard input, and PIPELINE_EVENT and PIPELINE_MESSAGE."""
    webhook: str | None = None
    """http or https address that receives the same JSON by POST, with a line for people in `text`; ${NAME} stands for
    an environment variable. No log contains the address."""
    channels: dict[str, str] = Field(default_factory=dict)
    """Further channels: name of a file in orchestration/schedule/channels, or dotted path of a function in the project
    folder -> its setting, such as {"my_channel.send" = "${ROOM}"}. No log contains the setting."""
    on: tuple[Event, ...] = ("failure", "gate", "push", "recovery")
    """failure: a run failed or timed out. gate: data or model was refused. push: a new version serves. recovery: the
    first good run after a bad one."""

    def settings(self) -> dict[str, str]:
        """Return the setting of each channel."""
        built_in = {"command": self.command, "webhook": self.webhook}
        return {**{name: setting for name, setting in built_in.items() if setting is not None}, **self.channels}

    @field_validator("webhook")
    @classmethod
    def _is_address(cls, webhook: str | None) -> str | None:
        if webhook is not None and not VARIABLE.search(webhook):
            ascii_address(webhook)
        elif webhook is not None and not re.match(r"https?://|\$\{\w+\}", webhook):
            raise ValueError("write https://HOST/PATH, or ${NAME} for an environment variable that holds it")
        return webhook

    @field_validator("command")
    @classmethod
    def _is_command(cls, command: str | None) -> str | None:
        if command is not None and "\0" in command:
            raise ValueError("a command cannot hold a NUL character: remove it")
        return command


def ascii_address(address: str) -> str:
    """Check a webhook's address.

    Args:
        address: The address, with variables already replaced.

    Returns:
        The address in ASCII: the host name encoded by IDNA, the rest percent-encoded.

    Raises:
        ValueError: The address is not http or https. The message does not quote it, because it may contain a token.
    """
    expected = "write https://HOST/PATH or https://HOST:PORT/PATH"
    if any(sign.isspace() or not sign.isprintable() for sign in address):
        raise ValueError(f"the address has a blank or a control character: {expected}")
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname, parts.port
        if parts.scheme not in ("http", "https") or not host or port == 0:
            raise ValueError
        # An IPv6 address has a colon in its host.
        host = f"[{host}]" if ":" in host else host.encode("idna").decode()
        if parts.username is not None:
            raise ValueError
    except ValueError:
        raise ValueError(f"the address is not valid: {expected}, without USER:PASSWORD@") from None
    ascii_parts = parts._replace(
        netloc=host if port is None else f"{host}:{port}",
        # % is safe, so that nothing is encoded twice.
        path=urllib.parse.quote(parts.path, safe=_URL),
        query=urllib.parse.quote(parts.query, safe=_URL),
        fragment="",
    )
    return urllib.parse.urlunsplit(ascii_parts)
