"""Channels of notifications: the files of this folder, and functions in the project folder.

A channel is a function `send(setting, message)`. `setting` is the text that [notify] has for the channel. `message`
holds `event` (failure, gate, push or recovery), `text` (one line for people), `schedule`, `state`, `run_id` and `log`.
The function returns one line that describes a failure, or nothing.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import project
from errors import UserError
from orchestration.schedule import bounded_process
from pipeline import user_code
from spec.timing.schedule import VARIABLE


class ChannelError(Exception):
    """A message cannot be sent; the text contains no secret."""


def names() -> list[str]:
    """Return the channels of this folder."""
    files = os.listdir(os.path.dirname(os.path.abspath(__file__)))
    return sorted(file.removesuffix(".py") for file in files if file.endswith(".py") and not file.startswith("_"))


def check(channels: Iterable[str]) -> None:
    """Check that channels exist, without importing code of the user.

    Args:
        channels: Files of this folder, or dotted paths of functions.

    Raises:
        UserError: a channel does not exist.
    """
    for channel in channels:
        if "." in channel:
            try:
                user_code.check_function(channel)
            except UserError as error:
                raise UserError(f"notify.channels: {error}") from error
        elif channel not in names():
            raise UserError(
                f"notify.channels: there is no channel {channel!r}.{user_code.close(channel, names())} Known channels: "
                f"{', '.join(names())}; or name a function of the project folder, as my_channel.send"
            )


def send(channel: str, setting: str, message: Mapping[str, Any]) -> str:
    """Send a message.

    Args:
        channel: A file of this folder, or the dotted path of a function.
        setting: The text that [notify] has for the channel.
        message: The message, as described above; it can be written as JSON.

    Returns:
        The failure, without the setting; empty if the message was sent.

    Raises:
        ChannelError: the message cannot be sent; the text contains no secret.
        TimeoutExpired: sending exceeded the time limit.
    """
    if "." not in channel:
        module = importlib.import_module(f"{__name__}.{channel}")
        return module.send(setting, message) or ""
    # User code runs in a process that can be killed: it may hang, and its import may exit.
    code, output = bounded_process.run(
        [sys.executable, "-m", "orchestration.schedule.channel_process", channel],
        json.dumps({"setting": expanded(setting), "message": message}),
        {**os.environ, **project.environment()},
        stdout=subprocess.PIPE,
        folder=project.folder(),
    )
    return output.strip() or (f"its process ended with exit code {code}" if code else "")


def expanded(setting: str) -> str:
    """Replace each ${NAME} by the environment variable of this name.

    Raises:
        ChannelError: a variable is not set.
    """
    missing = [name for name in VARIABLE.findall(setting) if not os.environ.get(name)]
    if missing:
        raise ChannelError(f"the environment variable {missing[0]} is not set")
    return VARIABLE.sub(lambda match: os.environ[match[1]], setting)
