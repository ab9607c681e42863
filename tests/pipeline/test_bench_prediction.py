"""The files and the table of the benchmark of `predict`."""

import gzip

from benchmarks import bench_prediction
from benchmarks.bench_prediction import Report
from benchmarks.timed_process import Measured


def test_a_file_repeats_the_rows_until_it_has_as_many_as_requested(tmp_path):
    with gzip.open(tmp_path / "source.csv.gz", "wt") as file:
        file.write("a,b\n1,2\n3,4\n")

    bench_prediction.write(tmp_path / "rows.csv", tmp_path / "source.csv.gz", 5)

    assert (tmp_path / "rows.csv").read_text() == "a,b\n1,2\n3,4\n1,2\n3,4\n1,2\n"


def test_the_table_compares_each_file_with_the_saved_model_alone():
    files = {1_000: Measured(2.0, 3.0, 400_000_000, 0, ""), 10_000: Measured(4.0, 6.0, 410_000_000, 0, "")}
    report = Report(files, 5_000, 2_500)

    text = bench_prediction.table(report)

    assert "predicts 5,000 rows/s, and 2,500 rows in a second of CPU time" in text
    assert "| 1,000 | 2.0 | 500 | 10% | 3.0 | 400 |" in text
    assert "| 10,000 | 4.0 | 2,500 | 50% | 6.0 | 410 |" in text
