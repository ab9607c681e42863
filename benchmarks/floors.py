"""What no pipeline of these libraries can go below on this machine: bare reading, gzip, TensorFlow's import."""

import sys
import time
import zlib
from pathlib import Path

import pyarrow.csv as pa_csv

from benchmarks import bench_tables
from benchmarks.timed_process import measure as measured
from components.ingestion.write.record_writer import GZIP_LEVEL

ROWS = 1_000_000


def measure(folder: Path) -> dict[str, float]:
    """Measure them.

    Args:
        folder: Scratch.

    Returns:
        `read` and `read one`: rows a second that pyarrow reads of the made table's CSV with all threads and with one;
        `gzip`: MB a second that zlib compresses of it at the level that ingestion uses; `tensorflow` and `tfx`: seconds
        of a process that imports no more than that.
    """
    path = folder / "floor.csv"
    bench_tables.write(path, ROWS)
    found = {}
    for name, threads in (("read", True), ("read one", False)):
        started = time.monotonic()
        pa_csv.read_csv(path, read_options=pa_csv.ReadOptions(use_threads=threads))
        found[name] = ROWS / (time.monotonic() - started)
    text = path.read_bytes()[: 32 << 20]
    started = time.monotonic()
    zlib.compress(text, GZIP_LEVEL)
    found["gzip"] = len(text) / 1e6 / (time.monotonic() - started)
    for name, module in (("tensorflow", "tensorflow"), ("tfx", "tfx.v1")):
        found[name] = measured([sys.executable, "-c", f"import {module}"], folder).seconds
    path.unlink()
    return found
