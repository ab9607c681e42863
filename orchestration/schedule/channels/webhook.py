"""Notification by an HTTP POST of the message as JSON; the address may contain a token, so no log contains it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from orchestration.schedule import bounded_process, channels
from spec.timing.schedule import ascii_address

_POST = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "webhook_post.py")


def send(setting: str, message: Mapping[str, Any]) -> str:
    """Post the message; return the failure, or an empty text."""
    value = channels.expanded(setting)
    try:
        address = ascii_address(value)
    except ValueError as error:
        return f"with the environment's values, {error}"
    order = json.dumps({"address": address, "body": json.dumps(message)})
    code, output = bounded_process.run([sys.executable, "-I", _POST], order, os.environ, stdout=subprocess.PIPE)
    return output.strip() or (f"the process that posts ended with exit code {code}" if code else "")
