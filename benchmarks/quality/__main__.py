"""`make quality`: untouched proposals of `new` against boosted trees with defaults, on public tables.

    make quality ARGS="--half used --seeds 1 --folder /var/tmp/quality"
    make quality ARGS="churn magic --seeds 1 --folder /var/tmp/quality"
    make quality ARGS="--half all --folder /var/tmp/quality --write"
    make quality ARGS="--half none --folder /var/tmp/quality --write"

Results are kept in the folder by table, seed and proposed config, so that an interrupted benchmark goes on where it
was; --write writes the document from all that are there.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

from benchmarks import machine_facts
from benchmarks.quality import quality_document
from benchmarks.quality.tables import SEEDS, TABLES, Table, used
from benchmarks.timed_process import Measured, measure
from benchmarks.workloads import REPOSITORY

PYTHON = ".tools/quality/bin/python"
"""Python with the packages of the group `quality`, relative to the repository."""
DOCUMENT = REPOSITORY / "docs" / "reference" / "quality.md"


def main() -> int:
    """Run the benchmark of the arguments."""
    parser = argparse.ArgumentParser(prog="make quality", description="compare untouched proposals with boosted trees")
    parser.add_argument("names", nargs="*", metavar="TABLE", help=", ".join(table.name for table in TABLES))
    parser.add_argument(
        "--half",
        choices=["used", "final", "all", "none"],
        default="used",
        help="tables to run (default: used while choosing); none: only what was measured before is printed",
    )
    parser.add_argument("--seeds", type=int, nargs="+", choices=SEEDS, default=list(SEEDS), metavar="N")
    parser.add_argument(
        "--folder", type=Path, default=Path("runs") / "quality", help="folder of results (default: runs/quality)"
    )
    parser.add_argument("--python", default=PYTHON, help=f"Python with the group `quality` (default: {PYTHON})")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.relative_to(REPOSITORY)}")
    arguments = parser.parse_args()
    table_names = {table.name for table in TABLES}
    if unknown := sorted(set(arguments.names) - table_names):
        parser.error(f"{unknown[0]!r} is not a table: {', '.join(sorted(table_names))}")
    folder = arguments.folder.absolute()
    python = str((REPOSITORY / arguments.python).absolute())
    unprepared = failed = _prepare(folder, python)
    half = {"used": (True,), "final": (False,), "all": (True, False), "none": ()}[arguments.half]
    for seed in arguments.seeds:
        for table in TABLES:
            chosen = table.name in arguments.names if arguments.names else used(table) in half
            if chosen and not unprepared:
                failed += _one(folder, table, seed, python)
    text = quality_document.text(_results(folder), machine_facts.facts())
    print(text)
    if arguments.write:
        quality_document.write(DOCUMENT, text)
    return 1 if failed else 0


def _prepare(folder: Path, python: str) -> int:
    """Write the tables and the project that their configs are in; return 1 if that fails."""
    csv, project = folder / "csv", folder / "project"
    steps = []
    if not all((csv / f"{table.name}.csv").exists() for table in TABLES):
        csv.mkdir(parents=True, exist_ok=True)
        steps.append([python, "-m", "benchmarks.quality.tables", str(csv)])
    if not project.exists():
        steps.append([sys.executable, "runner.py", "init", str(project)])
    for step in steps:
        measured = measure(step, REPOSITORY)
        if measured.code:
            print(measured.output)
            return 1
    return 0


def _one(folder: Path, table: Table, seed: int, python: str) -> int:
    """Judge a table with one seed, unless its result with this config is there; return 1 if that fails."""
    project = folder / "project"
    new_arguments = ["new", table.name, str(folder / "csv" / f"{table.name}.csv"), "--label", table.label, "--force"]
    measured = measure([sys.executable, "runner.py", *new_arguments, "--project", str(project)], REPOSITORY)
    if measured.code:
        return _failed(table, seed, measured)
    for previous in project.rglob(f"{table.name}.*previous"):
        previous.unlink()
    config = (project / "configs" / f"{table.name}.toml").read_bytes()
    digest = hashlib.sha256(config).hexdigest()[:12]
    result = folder / "results" / f"{table.name}-{seed}.json"
    if result.exists() and json.loads(result.read_text())["config"] == digest:
        return 0
    root, judged = folder / "roots" / f"{table.name}-{seed}", folder / "judged"
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(judged, ignore_errors=True)
    judged.mkdir(parents=True)
    run = ["--local", "--pipeline", table.name, "--project", str(project), "--root", str(root)]
    run += ["--set", f"training.seed={seed}", "--set", f'data.split.salt="{seed}"']
    # A process that stays would do the work, and its processor time would not be counted.
    run.append("--no-warm")
    # A model that the config's own floor refuses is a result too.
    ran = measure([sys.executable, "runner.py", *run], REPOSITORY)
    if not list(root.glob("*/artifacts/evaluator/evaluation/*")):
        return _failed(table, seed, ran)
    command = [
        sys.executable,
        "-m",
        "benchmarks.quality.judge",
        str(project),
        table.name,
        str(root),
        str(judged),
        python,
    ]
    measured = measure(command, REPOSITORY)
    if measured.code:
        return _failed(table, seed, measured)
    facts = {
        "table": table.name,
        "seed": seed,
        "config": digest,
        "network": _network(config.decode()),
        "seconds": ran.processor,
        **json.loads((judged / "judged.json").read_text()),
    }
    result.parent.mkdir(exist_ok=True)
    partial = result.with_suffix(".partial")
    partial.write_text(json.dumps(facts, indent=1))
    os.replace(partial, result)
    shutil.rmtree(root, ignore_errors=True)
    errors = ", ".join(f"{name} {value:.4g}" for name, value in facts["errors"].items())
    print(f"{table.name} seed {seed}: {facts['metric']}: {errors}; {ran.processor:.0f} CPU s", flush=True)
    return 0


def _network(config: str) -> str:
    import tomli

    return str(tomli.loads(config)["network"]["name"])


def _failed(table: Table, seed: int, measured: Measured) -> int:
    print(f"{table.name} seed {seed}: failed\n{measured.output}", flush=True)
    return 1


def _results(folder: Path) -> list[quality_document.Result]:
    files = sorted((folder / "results").glob("*.json"))
    return [quality_document.Result(**json.loads(file.read_text())) for file in files]


if __name__ == "__main__":
    sys.exit(main())
