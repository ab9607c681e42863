"""`make faults`: run all fault tests, including slow ones, and write docs/reference/faults.md."""

import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reference" / "faults.md"
HEAD = """# Faults

Faults that `make faults` injects, what must happen, and what was measured in the last run. A row is kept if its tests
were not among those that ran. Tests that take seconds also run in `make test`.

| | injected | expected | holds | figures | date | command |
| --- | --- | --- | --- | --- | --- | --- |
"""


def lines(records: Iterable[dict[str, Any]], document: str, rows: dict[int, tuple[str, str]], today: str) -> list[str]:
    """Lines of the table.

    Args:
        records: What the tests noted.
        document: The document as it stands.
        rows: What is injected and expected, by row.
        today: The date of new lines.
    """
    lines_of_row = {line.split("|")[1].strip(): line for line in document.splitlines() if line.startswith("| ")}
    by_row: dict[int, list[dict[str, Any]]] = {}
    for record in records:
        by_row.setdefault(record["row"], []).append(record)
    output = []
    for row, (injected, expected) in rows.items():
        records_of_row = by_row.get(row, [])
        outcomes = [record["outcome"] for record in records_of_row if "outcome" in record]
        if not outcomes:
            output.append(lines_of_row.get(str(row)) or f"| {row} | {injected} | {expected} | no test yet | | | |")
            continue
        holds = {"passed"} == set(outcomes)
        figures = "; ".join(
            dict.fromkeys(record["figure"].replace("|", "/") for record in records_of_row if "figure" in record)
        )
        files = sorted({record["test"].partition("::")[0] for record in records_of_row})
        variables = [f"{name}={os.environ[name]} " for name in ("KILLS", "SEED") if name in os.environ and row == 1]
        command = f'`{"".join(variables)}make faults ARGS="{" ".join(files)}"`'
        word = "yes" if holds else f"no: {', '.join(sorted(set(outcomes) - {'passed'}))}"
        output.append(f"| {row} | {injected} | {expected} | {word} | {figures} | {today} | {command} |")
    return output


def main(arguments: list[str]) -> int:
    """Run the tests named by the arguments, else all of this folder.

    Returns:
        pytest's exit code.
    """
    from fault_table import NOT_HERE, ROWS  # started as a folder, without its package

    named = any(not argument.startswith("-") and argument.split("::")[0].endswith(".py") for argument in arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "figures.jsonl")
        path.touch()
        code = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-m", "slow or not slow"),
                *([] if named else ["tests/faults"]),
                *arguments,
            ],
            cwd=ROOT,
            env={**os.environ, "PIPELINE_FIGURES": str(path)},
        ).returncode
        records = [json.loads(line) for line in path.read_text().splitlines()]
    document = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    today = datetime.date.today().isoformat()
    reasons = "".join(f"- {subject}: {reason}.\n" for subject, reason in NOT_HERE.items())
    table = "\n".join(lines(records, document, ROWS, today))
    DOCUMENT.write_text(f"{HEAD}{table}\n\n## What cannot be injected here\n\n{reasons}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
