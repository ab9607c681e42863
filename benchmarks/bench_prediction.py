"""Rows per second and memory of `runner.py predict` on a long file, and rows per second of the SavedModel alone."""

import gzip
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.timed_process import Measured
from benchmarks.timed_process import measure as measured
from benchmarks.workloads import REPOSITORY, checked
from serving import versions

BATCH = 4_096
"""Rows of a call of the SavedModel."""
SHARES = (10, 1)
"""Each file has the requested rows divided by one of these: with two lengths, growing memory shows."""
_ALONE = """
import json, sys, time
import numpy as np
import pandas as pd
import tensorflow as tf

version, csv, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
model = tf.saved_model.load(version).signatures["serving_default"]
table = pd.read_csv(csv, nrows=batch, dtype=str)
columns = {
    name: tf.constant(table[name].to_numpy().astype(spec.dtype.as_numpy_dtype), spec.dtype)
    for name, spec in model.structured_input_signature[1].items()
}
model(**columns)
calls, start, cpu = 0, time.perf_counter(), time.process_time()
while time.perf_counter() - start < 10:
    model(**columns)["prediction"].numpy()
    calls += 1
print(json.dumps([calls * batch / (time.perf_counter() - start), calls * batch / (time.process_time() - cpu)]))
"""


@dataclass(frozen=True)
class Report:
    """The measurements of a model.

    Attributes:
        files: Rows of a file -> the measurement of the command.
        alone: Rows per second of the SavedModel alone.
        alone_per_cpu: Its rows per second of processor time.
    """

    files: Mapping[int, Measured]
    alone: float
    alone_per_cpu: float


def measure(root: Path, rows: int, folder: Path, name: str = "houses") -> Report:
    """Measure the pushed model of a root with generated files.

    Args:
        root: The folder of all runs.
        rows: Rows of the longest file.
        folder: Folder for the files.
        name: The pipeline, whose data is repeated in the files.
    """
    pushed = str(root / name / "serving")
    version = versions.path(pushed, versions.pushed(pushed)[-1])
    files = {}
    path = folder / "rows.csv"
    for share in SHARES:
        write(path, REPOSITORY / "data" / f"{name}.csv.gz", rows // share)
        output = folder / "predictions.parquet"
        command = [sys.executable, "runner.py", "predict", name, str(path), "-o", str(output), "--root", str(root)]
        files[rows // share] = checked(measured(command, REPOSITORY))
        output.unlink()
    answer = subprocess.run(
        [sys.executable, "-c", _ALONE, version, str(path), str(BATCH)], check=True, capture_output=True, text=True
    )
    path.unlink()
    return Report(files, *json.loads(answer.stdout.splitlines()[-1]))


def write(path: Path, source: Path, rows: int) -> None:
    """Write a CSV of a number of rows that repeats those of a gzip-compressed CSV."""
    with gzip.open(source, "rb") as packed:
        head, *lines = packed.read().splitlines(keepends=True)
    with path.open("wb") as file:
        file.write(head)
        for start in range(0, rows, len(lines)):
            file.writelines(lines[: rows - start])


def table(report: Report) -> str:
    """Return the measurements as a Markdown table."""
    lines = [
        f"Predictions of a file by `runner.py predict`, with its start. The SavedModel alone, loaded once and called "
        f"with the same {BATCH:,} rows again and again, predicts {report.alone:,.0f} rows/s, and "
        f"{report.alone_per_cpu:,.0f} rows in a second of CPU time.",
        "",
        "| rows | seconds | rows/s | share of the SavedModel's rows/s | CPU s | peak memory, MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rows, result in report.files.items():
        per_second = rows / result.seconds
        lines.append(
            f"| {rows:,} | {result.seconds:.1f} | {per_second:,.0f} | {per_second / report.alone:.0%} "
            f"| {result.processor:.1f} | {result.peak / 1e6:,.0f} |"
        )
    return "\n".join(lines)
