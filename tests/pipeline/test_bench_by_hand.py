"""The comparison with a script written by hand: the script runs on both tables, and the document has its ratios."""

import csv
import gzip
import json
import subprocess
import sys

import pytest

from benchmarks import bench_document, bench_tables
from benchmarks.timed_process import Measured
from benchmarks.workloads import HOUSES_ROWS, REPOSITORY, Workload


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    bench_tables.write(folder / "generated.csv", 3000)
    with gzip.open(REPOSITORY / "data" / "houses.csv.gz") as packed:
        (folder / "houses.csv").write_bytes(b"".join(next(packed) for _ in range(3001)))
    return folder


@pytest.mark.parametrize(("table", "width"), [("generated", 4 + 8 + 4), ("houses", 17 + 20 + 20)])
def test_the_script_learns_from_all_columns_and_exports_a_model(tables, tmp_path, table, width):
    import tensorflow as tf

    order = {
        "csv": str(tables / f"{table}.csv"),
        "table": table,
        "split": {"train": 8, "eval": 1, "test": 1},
        "layers": [16],
        "learning_rate": 1e-2,
        "batch_size": 64,
        "epochs": 8,
        "export": str(tmp_path / "export"),
    }
    (tmp_path / "order.json").write_text(json.dumps(order))
    command = [sys.executable, "-m", "benchmarks.by_hand", str(tmp_path / "order.json")]
    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert float(process.stdout.removeprefix("r2 ")) > 0.5
    served = tf.saved_model.load(order["export"]).signatures["serving_default"]
    [(_, inputs)] = served.structured_input_signature[1].items()
    assert inputs.shape[1] >= width


def test_new_rows_are_the_table_without_its_first_twentieth(tmp_path):
    work = Workload("2,000 rows", 2000, tmp_path)
    bench_tables.write(work.csv, work.rows)
    full_table = list(csv.reader(work.csv.open()))
    work.take_new_rows()
    new_table = list(csv.reader(work.csv.open()))
    assert new_table[0] == full_table[0]
    assert new_table[1:] == full_table[-len(new_table) + 1 :]
    assert 1890 <= len(new_table) - 1 <= 1910


def test_the_document_has_a_row_for_each_comparison(tmp_path):
    report = bench_document.Report("a machine")
    times = {
        comparison: [Measured(10.0 + number, 0, 0, 0, "")] for number, comparison in enumerate(bench_document.WHAT)
    }
    report.add(Workload("houses", HOUSES_ROWS, tmp_path), times)
    lines = report.text().splitlines()
    assert "| houses | first run | 10.0 | 12.0 | 0.83 |" in lines
    assert "| houses | [network] changed, warm process | 15.0 | 16.0 | 0.94 |" in lines
    assert "| houses | new rows, same config | 17.0 | 18.0 | 0.94 |" in lines


def test_without_stock_its_columns_are_empty(tmp_path):
    report = bench_document.Report("a machine")
    times = {
        comparison: [] if "stock" in comparison else [Measured(1.0, 0, 0, 0, "")] for comparison in bench_document.WHAT
    }
    report.add(Workload("houses", HOUSES_ROWS, tmp_path), times)
    [line] = [line for line in report.text().splitlines() if line.startswith("| houses | 1.0 |  |")]
    assert line.count("|") == 10
