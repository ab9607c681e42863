"""Runs of our pipeline and of stock TFX on a table, each in its own folder."""

import gzip
import json
import math
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import bench_tables
from benchmarks.timed_process import Measured, measure

REPOSITORY = Path(__file__).resolve().parents[1]
GENERATED = "generated"
HOUSES_ROWS = 21_613
"""Number of rows of data/houses.csv.gz."""


@dataclass
class Workload:
    """A table, and the runs on it.

    Attributes:
        name: Name of the table.
        rows: Number of rows of the CSV.
        folder: Folder for the copy of the code, the CSV and the roots of the runs.
        ours: Node -> its seconds in our last first run.
        stock: Component -> its seconds in the last first run of stock TFX.
    """

    name: str
    rows: int
    folder: Path
    ours: dict[str, float] = field(default_factory=dict)
    stock: dict[str, float] = field(default_factory=dict)

    @property
    def pipeline(self) -> str:
        """Name of the config."""
        return "houses" if self.rows == HOUSES_ROWS else GENERATED

    @property
    def tree(self) -> Path:
        """Copy of the code, with the config of this table."""
        return self.folder / "tree"

    @property
    def csv(self) -> Path:
        """The CSV, decompressed."""
        return self.folder / "csv" / "table.csv"

    def prepare(self) -> None:
        """Copy the code and write the table."""
        copy_code(self.tree)
        self.csv.parent.mkdir(parents=True, exist_ok=True)
        if self.pipeline == GENERATED:
            if not self.csv.exists():
                bench_tables.write(self.csv, self.rows)
            (self.tree / "configs" / f"{GENERATED}.toml").write_text(bench_tables.CONFIG.format(path=self.csv))
            (self.tree / "schemas" / f"{GENERATED}.pbtxt").write_text(bench_tables.SCHEMA)
        else:
            with gzip.open(REPOSITORY / "data" / "houses.csv.gz") as packed, self.csv.open("wb") as file:
                shutil.copyfileobj(packed, file)

    def run_ours(self, *, clean: bool = True) -> Measured:
        """Run our pipeline: `clean` in an empty root, else in the root of the last run."""
        root = self.folder / "ours"
        if clean:
            shutil.rmtree(root, ignore_errors=True)
        command = [sys.executable, "runner.py", "--local", "--pipeline", self.pipeline, "--root", str(root)]
        # The process that stays after a run would be that of the next first run.
        command += ["--no-warm"] if clean else []
        measured = checked(measure(command, self.tree))
        if clean:
            self.ours = node_seconds(self.last_run())
        return measured

    def run_stock(self, *, clean: bool = True) -> Measured:
        """Run stock TFX with as many epochs as our last run."""
        root = self.folder / "stock"
        if clean:
            shutil.rmtree(root, ignore_errors=True)
        run_file = json.loads((self.last_run() / "run.json").read_text())
        config = run_file["config"]
        epochs = len((self.last_run() / "history.jsonl").read_text().splitlines())
        config["training"]["epochs"] = epochs
        shares = config["data"]["split"]
        train = self.rows * shares["train"] / (shares["train"] + shares["eval"] + shares["test"])
        order = {
            "data": str(self.csv.parent),
            "schema": str(self.tree / "schemas" / f"{self.pipeline}.pbtxt"),
            "config": config,
            "root": str(root),
            "steps": epochs * math.ceil(train / config["training"]["batch_size"]),
            "eval_steps": 1,
            "seconds": str(self.folder / "seconds.json"),
        }
        path = self.folder / "order.json"
        path.write_text(json.dumps(order))
        measured = checked(measure([sys.executable, "-m", "benchmarks.stock", str(path)], self.tree))
        if clean:
            self.stock = json.loads((self.folder / "seconds.json").read_text())
        return measured

    def last_run(self) -> Path:
        """Return the folder of our newest run."""
        return max((self.folder / "ours" / self.pipeline / "runs").iterdir())


def copy_code(tree: Path) -> None:
    """Copy the files of the repository, as in a clone, with a link to its environment."""
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (REPOSITORY / name).is_file() and not name.startswith(("tests/", "docs/")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, tree / name)
    (tree / ".venv").symlink_to((REPOSITORY / ".venv").resolve())


def node_seconds(run: Path) -> dict[str, float]:
    """Return the seconds of each executed node of a run of ours."""
    events: list[dict[str, Any]] = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return {
        event["node"]: event["seconds"] for event in events if event["event"] == "node" and event["state"] == "COMPLETE"
    }


def checked(measured: Measured) -> Measured:
    """Return the measurement of a command that succeeded.

    Raises:
        RuntimeError: The command failed; the message contains the end of its output.
    """
    if measured.code:
        raise RuntimeError(f"exit code {measured.code}:\n{measured.output[-3000:]}")
    return measured
