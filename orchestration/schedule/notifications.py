"""Send notifications of how scheduled runs ended: by a shell command, or by a post to a webhook.

A notification never raises and never takes longer than SECONDS in all. Variables of the environment are put into the
address at the last moment, and the address is in none of our messages.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from printing import in_a_line
from spec.timing.schedule import VARIABLE, Notify, ascii_address

SECONDS = 15.0
"""How long a command or a server may take in all, name resolution included."""
MAX_TEXT = 2000
"""Longest text of a message; the system refuses environment variables of more than 128 KiB."""
_POST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "webhook_post.py")


def tell(notify: Notify, event: str, message: Mapping[str, Any], *, say: Callable[[str], None]) -> None:
    """Notify of one event, where the config asks for it. A failure is logged and stops nothing.

    Args:
        notify: Whom, and of what.
        event: failure, gate, push or recovery.
        message: JSON-able facts; `text` is a line for people.
        say: Logs a line where a notification failed.
    """
    if event not in notify.on:
        return
    # One line, whatever a failure's reason holds.
    text = in_a_line(str(message["text"])[:MAX_TEXT])
    body = json.dumps({"event": event, **message, "text": text})
    for key, send in (("command", _command), ("webhook", _post)):
        value = getattr(notify, key)
        if value is None:
            continue
        try:
            failure = send(value, event, text, body)
        except subprocess.TimeoutExpired:
            failure = f"stopped after {SECONDS:g} s, the limit of a notification"
        except Exception as error:  # the text may quote the address or the environment
            failure = f"failed ({type(error).__name__})"
        if failure:
            say(f"notify.{key}: {failure}")


def _command(command: str, event: str, text: str, body: str) -> str:
    environment = {**os.environ, "PIPELINE_EVENT": event, "PIPELINE_MESSAGE": text}
    # A pipe would be held open by what the command leaves in the background.
    code, _ = _run(["/bin/sh", "-c", command], f"{body}\n", environment, stdout=subprocess.DEVNULL)
    return f"ended with exit code {code}" if code else ""


def _post(webhook: str, event: str, text: str, body: str) -> str:
    missing = [name for name in VARIABLE.findall(webhook) if not os.environ.get(name)]
    if missing:
        return f"the environment variable {missing[0]} is not set"
    try:
        address = ascii_address(VARIABLE.sub(lambda found: os.environ[found[1]], webhook))
    except ValueError as error:
        return f"with the environment's values, {error}"
    message = json.dumps({"address": address, "body": body})
    code, answer = _run([sys.executable, "-I", _POST], message, os.environ, stdout=subprocess.PIPE)
    return answer.strip() or (f"the process that posts ended with exit code {code}" if code else "")


def _run(command: Sequence[str], text: str, environment: Mapping[str, str], *, stdout: int) -> tuple[int, str]:
    """Run a command in a session of its own, which is killed as a whole where it takes too long.

    Returns:
        Exit code and, from a pipe, standard output.

    Raises:
        TimeoutExpired: it took too long.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
        text=True,
    )
    with process:
        try:
            answer, _ = process.communicate(text, timeout=SECONDS)
            return process.returncode, answer or ""
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
