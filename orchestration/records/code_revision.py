"""Git revision of the code that a run uses: commit, and the files that differ from it."""

import os
import subprocess
from typing import Any

import project

FILES = ("*.py", "*.toml", "*.pbtxt", "*.sql")
"""Patterns of code, configs and schemas: data and results have digests of their own."""
STATUS = ("--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames")
"""Arguments of `git status`: the commit, then one entry per file that differs, for programs."""
SHOWN = 20
"""Maximum number of changed files that are recorded by name."""
SECONDS = 10.0
"""Time limit of git, which may have to look at many files."""


def revisions() -> list[dict[str, Any]]:
    """Return the revision of the repository, and of the project if that is another folder.

    Returns:
        For each folder under git: `folder`; `commit`, its full hash; `dirty`, whether code, a config or a schema
        differs from the commit; `changed`, the first of these files, relative to the folder. A folder that is not under
        git, or of another user, is absent.
    """
    return [revision for folder in project.folders() if (revision := _revision(folder)) is not None]


def _revision(folder: str) -> dict[str, Any] | None:
    try:
        # Names are relative to the top of the repository, which the folder may be below.
        prefix = _git(folder, "rev-parse", "--show-prefix").strip("\n")
        status = _git(folder, "status", *STATUS, "--", *FILES)
    except (OSError, subprocess.SubprocessError):
        return None
    commit, changed = None, []
    for entry in status.split("\0"):
        if entry.startswith("# branch.oid "):
            commit = entry.removeprefix("# branch.oid ")
        elif entry.startswith("? "):
            changed.append(entry[2:])
        elif entry.startswith(("1 ", "u ")):
            changed.append(entry.split(" ", 8 if entry[0] == "1" else 10)[-1])
    if commit is None or commit == "(initial)":
        return None
    names = sorted(name.removeprefix(prefix) for name in changed)
    return {"folder": folder, "commit": commit, "dirty": bool(names), "changed": names[:SHOWN]}


def _git(folder: str, *arguments: str) -> str:
    # A git hook that starts a run would pass the variables of its own repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    process = subprocess.run(
        ["git", "-C", folder, "-c", "core.fsmonitor=false", *arguments],
        capture_output=True,
        env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
        timeout=SECONDS,
        check=True,
    )
    return process.stdout.decode("utf-8", "backslashreplace")
