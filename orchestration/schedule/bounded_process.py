"""Processes with a time limit, for notifications."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

SECONDS = 15.0
"""Time limit of a notification, including name resolution."""


def run(
    command: Sequence[str], text: str, environment: Mapping[str, str], *, stdout: int, folder: str | None = None
) -> tuple[int, str]:
    """Run a command in its own session, which is killed as a whole after the time limit.

    Args:
        command: Program and arguments.
        text: Its standard input.
        environment: Its environment variables.
        stdout: subprocess.PIPE or subprocess.DEVNULL.
        folder: Its working directory; None for that of this process.

    Returns:
        Exit code and, from a pipe, standard output.

    Raises:
        TimeoutExpired: the command exceeded the time limit.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=folder,
        start_new_session=True,
        text=True,
    )
    with process:
        try:
            output, _ = process.communicate(text, timeout=SECONDS)
            return process.returncode, output or ""
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
