"""`make bench`: time ours against stock TFX on the same tables, alternately, as whole processes.

    make bench ARGS="--rows 21613 200000 1000000 10000000 --repeats 3 --write"

Prints a table, and with --write puts it into docs/reference/performance.md.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import bench_document, floors, machine_facts
from benchmarks.timed_process import Measured, measure
from benchmarks.workloads import HOUSES_ROWS, REPOSITORY, Workload

STOCK_ROWS = 1_000_000
"""Stock is run up to here; above, its time is extrapolated from the two largest tables that it was run on."""
SIZES = (HOUSES_ROWS, 200_000, 1_000_000, 10_000_000)


def main() -> int:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="make bench", description="ours against stock TFX")
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, metavar="N", help="tables; 21613 is houses")
    parser.add_argument("--repeats", type=int, default=1, metavar="N", help="runs of each side up to 200,000 rows")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/reference/performance.md")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        report = bench_document.Report(machine_facts.facts())
        for rows in arguments.rows:
            _table(report, folder, rows, arguments.repeats)
        for name, command in (("--help", ["--help"]), ("inspect runs", ["inspect", "runs", "--root", str(folder)])):
            root = max(folder.glob("*/ours"), default=folder)
            command = [str(root) if word == str(folder) else word for word in command]
            found = [measure([sys.executable, "runner.py", *command], REPOSITORY) for _ in range(5)]
            report.commands[name] = sorted(each.seconds for each in found)
        report.floors = floors.measure(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = report.text()
    print(text)
    if arguments.write:
        bench_document.write(REPOSITORY / "docs" / "reference" / "performance.md", text)
    return 0


def _table(report: bench_document.Report, folder: Path, rows: int, repeats: int) -> None:
    work = Workload("houses" if rows == HOUSES_ROWS else f"{rows:,} rows", rows, folder / str(rows))
    work.prepare()
    both = rows <= STOCK_ROWS
    times: dict[str, list[Measured]] = {"ours": [], "stock": [], "ours again": [], "stock again": []}
    for _ in range(repeats if rows <= 200_000 else 1):
        for side, run in (("ours", work.run_ours), ("stock", work.run_stock)):
            if side == "ours" or both:
                for suffix, anew in (("", True), (" again", False)):
                    found = run(anew=anew)
                    times[side + suffix].append(found)
                    print(f"{work.name}: {side}{suffix} {found.seconds:.1f} s, {found.peak / 1e6:,.0f} MB", flush=True)
    report.add(work, times)
    shutil.rmtree(folder / str(rows) / "stock", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
