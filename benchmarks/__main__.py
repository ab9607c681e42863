"""`make bench`: measure our pipeline, a script written by hand and stock TFX on the same tables, alternately.

    make bench ARGS="--rows 21613 200000 1000000 10000000 --repeats 3 --write"

Each is a whole process. Prints tables; --write writes them to docs/reference/performance.md.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import bench_document, bench_prediction, bench_serving, floors, machine_facts
from benchmarks.timed_process import Measured, measure
from benchmarks.workloads import HOUSES_ROWS, REPOSITORY, Workload

STOCK_ROWS = 1_000_000
"""Largest table for stock TFX; times for larger tables are extrapolated from its two largest tables."""
SIZES = (HOUSES_ROWS, 200_000, 1_000_000, 10_000_000)


def main() -> int:
    """Run the benchmarks of the arguments."""
    parser = argparse.ArgumentParser(prog="make bench", description="compare our pipeline with stock TFX")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=SIZES, metavar="N", help="rows of the tables; 21613 is houses"
    )
    parser.add_argument(
        "--repeats", type=int, default=1, metavar="N", help="runs of each pipeline, for tables of up to 200,000 rows"
    )
    parser.add_argument(
        "--predicted-rows",
        type=int,
        default=1_000_000,
        metavar="N",
        help="rows of the longest file that `predict` is measured with",
    )
    parser.add_argument(
        "--without-stock", action="store_true", help="leave out stock TFX, which takes most of the time"
    )
    parser.add_argument("--write", action="store_true", help="write the results to docs/reference/performance.md")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        report = bench_document.Report(machine_facts.facts())
        for rows in arguments.rows:
            _measure_table(report, folder, rows, arguments.repeats, stock=not arguments.without_stock)
        if HOUSES_ROWS in arguments.rows:
            houses = folder / str(HOUSES_ROWS) / "ours"
            report.serving = bench_serving.measure(houses)
            report.prediction = bench_prediction.measure(houses, arguments.predicted_rows, folder)
        for name, command in (("--help", ["--help"]), ("inspect runs", ["inspect", "runs", "--root", str(folder)])):
            root = max(folder.glob("*/ours"), default=folder)
            command = [str(root) if argument == str(folder) else argument for argument in command]
            measurements = [measure([sys.executable, "runner.py", *command], REPOSITORY) for _ in range(5)]
            report.commands[name] = sorted(measurement.seconds for measurement in measurements)
        report.floors = floors.measure(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = report.text()
    print(text)
    if arguments.write:
        bench_document.write(REPOSITORY / "docs" / "reference" / "performance.md", text)
    return 0


def _measure_table(report: bench_document.Report, folder: Path, rows: int, repeats: int, *, stock: bool) -> None:
    work = Workload("houses" if rows == HOUSES_ROWS else f"{rows:,} rows", rows, folder / str(rows))
    times: dict[str, list[Measured]] = {series: [] for series in bench_document.WHAT}

    def measured(series: str, measurement: Measured) -> None:
        times[series].append(measurement)
        print(f"{work.name}: {series} {measurement.seconds:.1f} s, {measurement.peak / 1e6:,.0f} MB", flush=True)

    for _ in range(repeats if rows <= 200_000 else 1):
        work.prepare()
        measured("ours", work.run_ours())
        measured("by hand", work.run_by_hand())
        measured("ours again", work.run_ours(clean=False))
        if stock and rows <= STOCK_ROWS:
            measured("stock", work.run_stock())
            measured("stock again", work.run_stock(clean=False))
        # Another network and other rows give another model, which must be pushed as the first was.
        measured("ours, network", work.run_ours_warm("--set", "network.layers=[96, 48]", *work.lenient()))
        measured("by hand, network", work.run_by_hand())
        work.take_new_rows()
        measured("ours, new rows", work.run_ours(*work.lenient(), clean=False))
        measured("by hand, new rows", work.run_by_hand())
    report.add(work, times)
    shutil.rmtree(folder / str(rows) / "stock", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
