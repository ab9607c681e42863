"""What a process inherits from its command, and what its imports or the stages may depend on."""

import hashlib
import os
import resource
import sys
from collections.abc import Mapping
from typing import Any

FREE = frozenset(
    {
        # The working folder of the shell: a worker's is that of the project.
        *("PWD", "OLDPWD", "SHLVL", "_"),
        # The terminal, which only the supervisor writes to.
        *("TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "WINDOWID", "TERM_SESSION_ID", "TMUX_PANE"),
    }
)
"""Environment variables that no import depends on; a worker gets them as its command has them."""
_LIMITS = [name for name in dir(resource) if name.startswith("RLIMIT_")]
_NAMESPACES = "/proc/self/ns"


def facts(environment: Mapping[str, str]) -> dict[str, Any]:
    """Describe what processes of this one inherit: equal facts mean that one may do the work of the other.

    Args:
        environment: Their environment. Only digests of its values are kept, because they may be passwords.
    """
    return {
        "the user": [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *sorted(os.getgroups())],
        "the umask": _line("/proc/self/status", "Umask:"),
        "limits of the system (ulimit)": {name: list(resource.getrlimit(getattr(resource, name))) for name in _LIMITS},
        "the priority": os.getpriority(os.PRIO_PROCESS, 0),
        "the cores": sorted(os.sched_getaffinity(0)),
        "the control group": _line("/proc/self/cgroup"),
        "namespaces of the system": {name: os.readlink(f"{_NAMESPACES}/{name}") for name in os.listdir(_NAMESPACES)},
        "Python": [sys.executable, sys.version],
        **{f"the environment variable {name}": _digest(environment[name]) for name in environment.keys() - FREE},
    }


def difference(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Name the first fact in which two commands differ; empty without one."""
    return next((name for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)), "")


def free(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a worker gets as its command has them."""
    return {name: environment[name] for name in environment.keys() & FREE}


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()


def _line(path: str, start: str = "") -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return "".join(line for line in file if line.startswith(start))
