"""Installed packages, and facts about this machine."""

import contextlib
import glob
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable

from errors import ResourceError

CHECKED = (
    *("tfx", "tensorflow", "keras", "apache-beam", "tensorflow-transform", "tensorflow-data-validation"),
    *("tensorflow-model-analysis", "ml-metadata", "protobuf", "numpy", "pyarrow", "pydantic", "rich", "tomli"),
)
"""Packages whose version must equal the locked one."""
STACKS = {"1.16": "legacy", "1.21": "current"}
ENGINES = ("docker", "podman")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")


def check_versions(lock: str, packages: Iterable[str] = CHECKED) -> str:
    """Check that the installed packages have the locked versions.

    Args:
        lock: Path of uv.lock.
        packages: Their names.

    Returns:
        The stack and its main versions.

    Raises:
        ResourceError: a package is missing or has another version.
    """
    with open(lock, encoding="utf-8") as file:
        text = file.read()
    findings, installed = [], {}
    for package in packages:
        locked = re.findall(rf'^name = "{re.escape(package)}"\nversion = "([^"]+)"', text, re.M)
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            findings.append(f"{package} is not installed: run `make run`, which installs the locked version")
            continue
        if locked and installed[package] not in locked:
            findings.append(
                f"{package} {installed[package]} is installed, but uv.lock has {' or '.join(locked)}: run `make run`, "
                "which installs it"
            )
    if findings:
        raise ResourceError("\n".join(findings))
    stack = STACKS.get(".".join(installed.get("tfx", "").split(".")[:2]), "unknown")
    main_versions = ", ".join(
        f"{package} {installed[package]}" for package in ("tfx", "tensorflow", "keras") if package in installed
    )
    return f"{stack}: Python {platform.python_version()}, {main_versions}"


def facts() -> dict[str, str]:
    """Return facts about this machine: name -> one line."""
    return {
        "glibc": " ".join(platform.libc_ver()).strip() or "none",
        "cores": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}",
        "memory": _memory(),
        "engines": _tools(ENGINES),
        "browsers": _tools(BROWSERS),
        "PostgreSQL": _postgresql(),
    }


def _memory() -> str:
    amounts = {}
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        amounts = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
    limit = ""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            allowed = int(file.read())
            if allowed < amounts.get("MemTotal", 0):
                limit = f", {allowed / 1e9:.1f} GB of it available to this container"
    free, total = amounts.get("MemAvailable", 0), amounts.get("MemTotal", 0)
    return f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB{limit}"


def _tools(names: Iterable[str]) -> str:
    """Return the installed tools with their versions."""
    paths = {name: path for name in names if (path := shutil.which(name))}
    return "; ".join(f"{_version(path) or name} ({path})" for name, path in paths.items()) or "none"


def _version(path: str) -> str:
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (answer.stdout.strip().splitlines() or [""])[0].strip()


def _postgresql() -> str:
    places = [path for name in ("psql", "postgres") if (path := shutil.which(name))]
    places += sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    versions = {_version(path): path for path in places}
    return "; ".join(f"{version} ({path})" for version, path in versions.items()) or "none"
