"""Wall time, CPU time and peak memory of a command and its child processes."""

import contextlib
import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """Measurement of a command.

    Attributes:
        seconds: Wall time.
        processor: User and system time with child processes, in seconds.
        peak: Peak memory with child processes, in bytes: proportional set size, which counts shared memory once.
        code: Exit code.
        output: Standard output and error.
    """

    seconds: float
    processor: float
    peak: int
    code: int
    output: str


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Measured:
    """Run a command and measure it.

    Args:
        command: Program and arguments.
        folder: Working directory.
        environment: Variables that are added to the environment.
    """
    usage_before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **(environment or {})},
    )
    peaks = [0]
    is_done = threading.Event()

    def watch() -> None:
        while not is_done.wait(SAMPLE_SECONDS):
            peaks[0] = max(peaks[0], sum(map(_memory, _descendants(process.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.monotonic() - started
    is_done.set()
    watcher.join()
    usage_after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = usage_after.ru_utime + usage_after.ru_stime - usage_before.ru_utime - usage_before.ru_stime
    return Measured(seconds, processor, peaks[0], process.returncode, output)


def _descendants(pid: int) -> list[int]:
    pids = [pid]
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                pids += _descendants(int(child))
    return pids


def _memory(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
