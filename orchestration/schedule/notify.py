"""Tells people how a scheduled run ended: by a command of theirs, or by a post to an address.

What the environment holds is put into the address at the last moment, and the address is in no message of ours.
"""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.schedule import Notify

SECONDS = 15.0
"""How long a command or a server may take."""
_ADDRESS = re.compile(r"https?://[^/?#\s]+[^\s]*")


def tell(notify: Notify, event: str, message: Mapping[str, Any], *, say: Callable[[str], None]) -> None:
    """Tell of one event, where it is wanted; what goes wrong is said and stops nothing.

    Args:
        notify: Whom, and of what.
        event: failure, gate, push or recovery.
        message: JSON-able facts; `text` is a line for people.
        say: Takes a line where it could not be told.
    """
    if event not in notify.on:
        return
    body = json.dumps({"event": event, **message})
    if notify.command is not None:
        _command(notify.command, event, str(message["text"]), body, say)
    if notify.webhook is not None:
        _post(notify.webhook, body, say)


def _command(command: str, event: str, text: str, body: str, say: Callable[[str], None]) -> None:
    environment = {**os.environ, "PIPELINE_EVENT": event, "PIPELINE_MESSAGE": text}
    try:
        done = subprocess.run(
            command,
            shell=True,
            input=f"{body}\n",
            text=True,
            env=environment,
            timeout=SECONDS,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done.returncode:
            say(f"notify.command ended with exit code {done.returncode}")
    except subprocess.TimeoutExpired:
        say(f"notify.command took over {SECONDS:g} s and was stopped")


def _post(webhook: str, body: str, say: Callable[[str], None]) -> None:
    missing = [name for name in re.findall(r"\$\{(\w+)\}", webhook) if not os.environ.get(name)]
    if missing:
        say(f"notify.webhook: the environment variable {missing[0]} is not set")
        return
    address = re.sub(r"\$\{(\w+)\}", lambda found: os.environ[found[1]], webhook)
    if not _ADDRESS.fullmatch(address):
        say("notify.webhook: with the environment's values it is no address as https://HOST/PATH")
        return
    request = urllib.request.Request(address, body.encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return
    except urllib.error.HTTPError as error:
        say(f"notify.webhook: the server answered {error.code}")
    except OSError as error:
        say(f"notify.webhook: the server is out of reach ({type(getattr(error, 'reason', error)).__name__})")
