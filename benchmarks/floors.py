"""Lower bounds for any pipeline with these libraries on this machine: reading CSV, gzip, importing TensorFlow."""

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
    """Measure the lower bounds.

    Args:
        folder: Folder for temporary files.

    Returns:
        `read` and `read one`: rows/s that pyarrow reads of the generated CSV with all threads and with one; `gzip`:
        MB/s that zlib compresses of it at the level of the ingestion; `tensorflow` and `tfx`: seconds of a process that
        only imports them.
    """
    path = folder / "floor.csv"
    bench_tables.write(path, ROWS)
    results = {}
    for name, threads in (("read", True), ("read one", False)):
        started = time.monotonic()
        pa_csv.read_csv(path, read_options=pa_csv.ReadOptions(use_threads=threads))
        results[name] = ROWS / (time.monotonic() - started)
    content = path.read_bytes()[: 32 << 20]
    started = time.monotonic()
    zlib.compress(content, GZIP_LEVEL)
    results["gzip"] = len(content) / 1e6 / (time.monotonic() - started)
    for name, module in (("tensorflow", "tensorflow"), ("tfx", "tfx.v1")):
        results[name] = measured([sys.executable, "-c", f"import {module}"], folder).seconds
    path.unlink()
    return results
