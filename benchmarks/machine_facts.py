"""Description of the machine on which a benchmark runs."""

import datetime
import os
import platform
import re
from pathlib import Path

from orchestration.records import run_record


def facts() -> str:
    """Return date, cores, processor, memory, versions and load as one line."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    versions = run_record.versions()
    libraries = ", ".join(f"{name} {versions[name]}" for name in ("tfx", "tensorflow", "keras", "apache-beam"))
    return (
        f"{datetime.date.today().isoformat()}; {os.cpu_count()} cores"
        f"{f' ({model.group(1).strip()})' if model else ''}, "
        f"{int(memory.group(1)) / 2**20 if memory else 0:.0f} GiB, Python {platform.python_version()}, {libraries}; "
        f"load average {os.getloadavg()[0]:.1f} at the start"
    )
