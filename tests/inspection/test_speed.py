"""Each command takes less than a second on a store of a thousand runs, without TensorFlow."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from .inspect_process import MAIN

REPOSITORY = Path(__file__).parents[2]
SHARED = 23
"""The examples that 3 of 4 runs of `houses` share: the first output of its second run, each run making 11."""


@pytest.mark.parametrize(
    ("kind", "line", "lines"),
    [
        ("recorded", "runs", 51),
        ("recorded", "runs --limit 1000", 1001),
        ("recorded", "runs --state failed --limit 1000", 101),
        ("recorded", "show latest", 29),
        ("recorded", "artifacts --type Model", 51),
        ("recorded", f"lineage {SHARED}", 36),
        ("recorded", "lineage latest", 16),
        ("recorded", "why latest", 6),
        ("recorded", "compare run-0500 run-0501", 28),
        ("stock", "runs --limit 1000", 1001),
        ("stock", "runs --state failed --limit 1000", 101),
        ("stock", "show latest", 27),
    ],
)
def test_a_thousand_runs_take_less_than_a_second(
    thousand_runs: dict[str, Path], kind: str, line: str, lines: int
) -> None:
    took = []
    for _ in range(3):
        begin = _seconds_of_children()
        process = subprocess.run(
            [sys.executable, "-c", MAIN, *line.split(), "--root", str(thousand_runs[kind])],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        took.append(_seconds_of_children() - begin)
        assert process.returncode == 0, process.stderr
        assert len(process.stdout.splitlines()) == lines
        if took[-1] < 1:
            return
    pytest.fail(f"{line} took {took} s of the processor")


def _seconds_of_children() -> float:
    """Processor time, which a busy machine stretches less than the clock's."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
