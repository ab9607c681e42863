"""What the figures were measured on."""

import datetime
import os
import platform
import re
from pathlib import Path

from orchestration.records import run_record


def facts() -> str:
    """Processor, cores, memory, versions and the day, in a sentence."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    versions = run_record.versions()
    shown = ", ".join(f"{name} {versions[name]}" for name in ("tfx", "tensorflow", "keras", "apache-beam"))
    return (
        f"{datetime.date.today().isoformat()}; {os.cpu_count()} cores"
        f"{f' ({model.group(1).strip()})' if model else ''}, "
        f"{int(memory.group(1)) / 2**20 if memory else 0:.0f} GiB, Python {platform.python_version()}, {shown}; "
        f"load average {os.getloadavg()[0]:.1f} at the start"
    )
