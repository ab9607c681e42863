"""Commands in namespaces of their own: mounts, processes that end with them, and a network without a way out."""

import os
import shutil

import pytest


def need(purpose: str, *programs: str) -> None:
    """Skip the test where no namespaces can be made, or a program is missing.

    Args:
        purpose: What they are for, for the reason of the skip.
        programs: Further programs.
    """
    missing = [program for program in ("unshare", *programs) if shutil.which(program) is None]
    if os.geteuid() != 0:
        missing.append("root")
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}, {purpose}")


def command(script: str, *arguments: object, network: bool = False) -> list[str]:
    """Return the command that runs a shell script in namespaces of its own.

    Args:
        script: The script; its arguments are $1, $2, ...
        arguments: Arguments of the script.
        network: Whether it gets a network of its own, too.
    """
    kinds = ("--mount", *(["--net"] if network else []), "--pid")
    return ["unshare", *kinds, "--fork", "--kill-child", "sh", "-c", script, "sh", *map(str, arguments)]
