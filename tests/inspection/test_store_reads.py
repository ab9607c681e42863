"""What each command reads of a store with a thousand runs, without TensorFlow.

The limits are about a third above what the commands read when the limits were set.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .inspect_process import COUNTED

REPOSITORY = Path(__file__).parents[2]
SHARED = 23
"""The examples that 3 of 4 runs of `houses` share: the first output of its second run, each run making 11."""


@pytest.mark.parametrize(
    ("kind", "line", "lines", "calls", "kilobytes"),
    [
        ("recorded", "runs", 51, 10, 500),
        ("recorded", "runs --limit 1000", 1001, 10, 500),
        ("recorded", "runs --state failed --limit 1000", 101, 10, 1000),
        ("recorded", "show latest", 29, 100, 600),
        ("recorded", "artifacts --type Model", 51, 70, 200),
        ("recorded", f"lineage {SHARED}", 36, 400, 900),
        ("recorded", "lineage latest", 16, 30, 400),
        ("recorded", "why latest", 6, 20, 200),
        ("recorded", "compare run-0500 run-0501", 28, 60, 600),
        ("stock", "runs --limit 1000", 1001, 1300, 1500),
        ("stock", "runs --state failed --limit 1000", 101, 500, 3500),
        ("stock", "show latest", 27, 110, 400),
    ],
)
def test_no_command_reads_all_of_a_thousand_runs(
    thousand_runs: dict[str, Path], kind: str, line: str, lines: int, calls: int, kilobytes: int
) -> None:
    process = subprocess.run(
        [sys.executable, "-c", COUNTED, *line.split(), "--root", str(thousand_runs[kind])],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert len(process.stdout.splitlines()) == lines
    reads = json.loads(process.stderr.splitlines()[-1])
    assert reads["calls"] <= calls
    assert reads["size"] <= 1000 * kilobytes
