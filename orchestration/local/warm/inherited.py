"""Properties that a process inherits from its command, and on which its imports or the stages may depend."""

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
"""Environment variables that no import depends on; a worker takes their values from its command."""
_LIMITS = [name for name in dir(resource) if name.startswith("RLIMIT_")]
_NAMESPACES = "/proc/self/ns"


def facts(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the properties that child processes inherit; with equal facts, one process can replace the other.

    Args:
        environment: Environment of the child processes. Only digests are kept, because values may be passwords.
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


def difference(facts: Mapping[str, Any], other_facts: Mapping[str, Any]) -> str:
    """Name the first fact in which two commands differ; empty without one."""
    return next((name for name in sorted({*facts, *other_facts}) if facts.get(name) != other_facts.get(name)), "")


def free(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a worker gets as its command has them."""
    return {name: environment[name] for name in environment.keys() & FREE}


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()


def _line(path: str, start: str = "") -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return "".join(line for line in file if line.startswith(start))
