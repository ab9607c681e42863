"""Notifications about the ends of scheduled runs, through the channels of [notify].

A failed notification is logged and raises nothing, and each channel has a time limit. The setting of a channel may
contain a token, so no log contains it.
"""

import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from orchestration.schedule import bounded_process, channels
from printing import in_a_line
from spec.timing.schedule import Notify

MAX_TEXT = 2000
"""Maximum number of characters of a message; Linux rejects environment variables of more than 128 KiB."""


def tell(notify: Notify, event: str, message: Mapping[str, Any], *, say: Callable[[str], None]) -> None:
    """Send notifications of an event, if the config requests them; failures are only logged.

    Args:
        notify: Channels and events.
        event: failure, gate, push or recovery.
        message: Facts that can be written as JSON; `text` is the line that people read.
        say: Logs a line about a notification that failed.
    """
    if event not in notify.on:
        return
    # One line, also if the reason of a failure has several.
    message = {"event": event, **message, "text": in_a_line(str(message["text"])[:MAX_TEXT])}
    for channel, setting in notify.settings().items():
        try:
            failure = channels.send(channel, setting, message)
        except subprocess.TimeoutExpired:
            failure = f"stopped after {bounded_process.SECONDS:g} s, the limit of a notification"
        except channels.ChannelError as error:
            failure = str(error)
        except Exception as error:  # the text may quote the setting or the environment
            failure = f"failed ({type(error).__name__})"
        if failure:
            say(f"notify.{channel}: {failure}")
