"""Whole runs of ours and of stock TFX on one table, in folders of their own."""

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
MADE = "made"
HOUSES_ROWS = 21_613
"""Rows of the shipped table of houses."""


@dataclass
class Workload:
    """One table.

    Attributes:
        name: What the table is called.
        rows: Rows of the CSV.
        folder: Scratch; the tree of the code, the CSV and the roots of the runs are in it.
        ours: Seconds of the nodes of our last first run.
        stock: Of stock's.
    """

    name: str
    rows: int
    folder: Path
    ours: dict[str, float] = field(default_factory=dict)
    stock: dict[str, float] = field(default_factory=dict)

    @property
    def pipeline(self) -> str:
        """The config's stem."""
        return "houses" if self.rows == HOUSES_ROWS else MADE

    @property
    def tree(self) -> Path:
        """The code, with the config of this table."""
        return self.folder / "tree"

    @property
    def csv(self) -> Path:
        """The unpacked table."""
        return self.folder / "csv" / "table.csv"

    def prepare(self) -> None:
        """Copy the code and make the table."""
        copy_code(self.tree)
        self.csv.parent.mkdir(parents=True, exist_ok=True)
        if self.pipeline == MADE:
            if not self.csv.exists():
                bench_tables.write(self.csv, self.rows)
            (self.tree / "configs" / "made.toml").write_text(bench_tables.CONFIG.format(path=self.csv))
            (self.tree / "schemas" / "made.pbtxt").write_text(bench_tables.SCHEMA)
        else:
            with gzip.open(REPOSITORY / "data" / "houses.csv.gz") as packed, self.csv.open("wb") as file:
                shutil.copyfileobj(packed, file)

    def run_ours(self, *, anew: bool = True) -> Measured:
        """Run ours; `anew` in an empty root, else over what the last run left."""
        root = self.folder / "ours"
        if anew:
            shutil.rmtree(root, ignore_errors=True)
        command = [sys.executable, "runner.py", "--local", "--pipeline", self.pipeline, "--root", str(root)]
        found = checked(measure(command, self.tree))
        if anew:
            self.ours = node_seconds(self.last_run())
        return found

    def run_stock(self, *, anew: bool = True) -> Measured:
        """Run stock's components with the epochs that our last run took."""
        root = self.folder / "stock"
        if anew:
            shutil.rmtree(root, ignore_errors=True)
        facts = json.loads((self.last_run() / "run.json").read_text())
        config = facts["config"]
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
        found = checked(measure([sys.executable, "-m", "benchmarks.stock", str(path)], self.tree))
        if anew:
            self.stock = json.loads((self.folder / "seconds.json").read_text())
        return found

    def last_run(self) -> Path:
        """Folder of our newest run."""
        return max((self.folder / "ours" / self.pipeline / "runs").iterdir())


def copy_code(tree: Path) -> None:
    """Copy the repository's files, as a clone would have them, beside the same environment."""
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
    """Seconds of each node of one of our runs."""
    events: list[dict[str, Any]] = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return {
        event["node"]: event["seconds"] for event in events if event["event"] == "node" and event["state"] == "COMPLETE"
    }


def checked(found: Measured) -> Measured:
    """A measurement of something that ended well.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    if found.code:
        raise RuntimeError(f"ended with exit code {found.code}:\n{found.output[-3000:]}")
    return found
