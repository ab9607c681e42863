"""More rows need more time but not more memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("grown.py")
FEW = 20_000


@pytest.mark.slow
def test_time_grows_with_the_rows_and_memory_does_not(tmp_path, figure):
    """Fault 30: 10 and 100 times the rows through ingestion, statistics and transformation."""
    results = {}
    for times in (1, 10, 100):
        rows, folder = times * FEW, tmp_path / str(times)
        folder.mkdir()
        completed = subprocess.run(
            [sys.executable, str(SCRIPT), str(folder), str(rows)], capture_output=True, text=True, check=True
        )
        results[times] = json.loads(completed.stdout.splitlines()[-1])
    took = {times: measured["processor"] for times, measured in results.items()}
    peak = {times: measured["peak"] / 1e6 for times, measured in results.items()}

    assert took[10] < 10 * took[1]
    assert took[100] < 13 * took[10], "more than in proportion, with a third to spare"
    # The blocks are full from 200,000 rows on.
    assert peak[100] < 1.3 * peak[10]
    rows_shown = ", ".join(f"{times * FEW:,} rows: {took[times]:.1f} s, {peak[times]:.0f} MB" for times in results)
    figure(30, f"{rows_shown}; {99 * FEW / (took[100] - took[1]):,.0f} rows a processor's second beyond the first")
