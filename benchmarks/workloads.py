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
        ours: Node -> its seconds in the last first run of this pipeline.
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
            # Also if it exists: `take_new_rows` may have replaced it.
            bench_tables.write(self.csv, self.rows)
            (self.tree / "configs" / f"{GENERATED}.toml").write_text(bench_tables.CONFIG.format(path=self.csv))
            (self.tree / "schemas" / f"{GENERATED}.pbtxt").write_text(bench_tables.SCHEMA)
        else:
            with gzip.open(REPOSITORY / "data" / "houses.csv.gz") as packed, self.csv.open("wb") as file:
                shutil.copyfileobj(packed, file)

    def run_ours(self, *options: str, clean: bool = True) -> Measured:
        """Run our pipeline: `clean` in an empty root, else in the root of the last run; in a process of its own."""
        if clean:
            shutil.rmtree(self.folder / "ours", ignore_errors=True)
        measured = checked(measure([*self._command(), "--no-warm", *options], self.tree))
        if clean:
            self.ours = node_seconds(self.last_run())
        return measured

    def run_ours_warm(self, *options: str) -> Measured:
        """Run our pipeline in the root of the last run, with the process that an earlier command left.

        Raises:
            RuntimeError: That process was not used.
        """
        stays = checked(measure([*self._command(), "--to", "ingestion", "--set", "limits.keep_warm=10"], self.tree))
        measured = checked(measure([*self._command(), *options, "--set", "limits.keep_warm=0"], self.tree))
        if "starting TensorFlow" in measured.output:
            raise RuntimeError(f"no warm process:\n{stays.output}\n{measured.output}")
        return measured

    def _command(self) -> list[str]:
        root = str(self.folder / "ours")
        return [sys.executable, "runner.py", "--local", "--pipeline", self.pipeline, "--root", root]

    def run_by_hand(self) -> Measured:
        """Run by_hand.py with the network, batch size and epochs of our last run."""
        config, epochs = self._last_config()
        order = {
            "csv": str(self.csv),
            "table": self.pipeline,
            "split": {name: config["data"]["split"][name] for name in ("train", "eval", "test")},
            "layers": config["network"]["layers"],
            "learning_rate": config["training"]["optimizer"]["learning_rate"],
            "batch_size": config["training"]["batch_size"],
            "epochs": epochs,
            "export": str(self.folder / "by_hand"),
        }
        path = self.folder / "by_hand.json"
        path.write_text(json.dumps(order))
        return checked(measure([sys.executable, "-m", "benchmarks.by_hand", str(path)], self.tree))

    def _last_config(self) -> tuple[dict[str, Any], int]:
        """Return config and epochs of our last run that trained."""
        run = max(path.parent for path in (self.folder / "ours" / self.pipeline / "runs").glob("*/history.jsonl"))
        config: dict[str, Any] = json.loads((run / "run.json").read_text())["config"]
        return config, len((run / "history.jsonl").read_text().splitlines())

    def lenient(self) -> list[str]:
        """Return options with which a slightly worse model is pushed too."""
        return ["--set", "evaluation.baseline.tolerance=1"] if self.pipeline != GENERATED else []

    def take_new_rows(self) -> None:
        """Replace the table by one without its first twentieth, as data of a moving window."""
        text = self.csv.read_bytes()
        head = text.index(b"\n") + 1
        begin = text.index(b"\n", head + (len(text) - head) // 20) + 1
        text = text[:head] + text[begin:]
        self.csv.write_bytes(text)
        if self.pipeline != GENERATED:
            with gzip.open(self.tree / "data" / "houses.csv.gz", "wb", compresslevel=1) as packed:
                packed.write(text)

    def run_stock(self, *, clean: bool = True) -> Measured:
        """Run stock TFX with as many epochs as our last run."""
        root = self.folder / "stock"
        if clean:
            shutil.rmtree(root, ignore_errors=True)
        config, epochs = self._last_config()
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
    """Return the seconds of each executed node of a run of this pipeline."""
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
