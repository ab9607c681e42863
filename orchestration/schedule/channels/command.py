"""Notification by a shell command: the message as JSON on its standard input, event and text in its environment."""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from orchestration.schedule import bounded_process


def send(setting: str, message: Mapping[str, Any]) -> str:
    """Run the command; return its exit code as a failure, or an empty text."""
    environment = {**os.environ, "PIPELINE_EVENT": message["event"], "PIPELINE_MESSAGE": message["text"]}
    command = ["/bin/sh", "-c", setting]
    # Background processes of the command would keep a pipe open.
    code, _ = bounded_process.run(command, f"{json.dumps(message)}\n", environment, stdout=subprocess.DEVNULL)
    return f"ended with exit code {code}" if code else ""
