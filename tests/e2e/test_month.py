"""Eight weeks in the life of one pipeline: each event with the messages that a user reads."""

import json
import random
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from .. import toml_edits, warm
from ..trees import copy_code
from .conftest import runner
from .weekly_config import CONFIG

SETTINGS = """\
[features]
categorical = [{column = "shop"}]

[training]
batch_size = 4
epochs = 1

[evaluation]
baseline = {metric = "rmse", tolerance = 1.0}
plain = false

[gates]
drift = {min_rows = 100}

[[schedule]]
name = "weekly"
cron = "0 6 * * 1"
"""
SHOPS = ("north", "south")
NEWER = ("files", "git", "tuned", "attempts", "upstream", "pid", "unused", "reads")
"""Keys of run.json that earlier versions did not write."""
BAD = ("--set", "training.optimizer.learning_rate=1e-6")


class Month:
    """The pipeline, its files and its root.

    Args:
        folder: Folder of both.
        metadata: URL of the store; None for SQLite in the root.
        server: PostgreSQL server of the store; None for SQLite.
    """

    def __init__(self, folder: Path, metadata: str | None = None, server: Any = None) -> None:
        self.tree, self.root = folder / "tree", folder / "runs"
        self.server, self.environment = server, {"PIPELINE_METADATA": metadata} if metadata else {}
        copy_code(self.tree)
        (self.tree / "configs/month.toml").write_text(toml_edits.merged(CONFIG, SETTINGS))

    def week(self, number, *, columns=("x", "z"), shops=SHOPS, shift=0.0):
        """Write the file of a week: y = 3 x - 2 z, and a little noise."""
        rng = random.Random(number)
        lines = [",".join([*columns, "shop", "y"])]
        for _ in range(300):
            x, z = rng.gauss(shift, 1), rng.gauss(0, 1)
            lines.append(f"{x:.4f},{z:.4f},{rng.choice(shops)},{3 * x - 2 * z + rng.gauss(0, 0.2):.4f}")
        path = self.tree / f"data/week-{number}.csv"
        path.write_text("\n".join([*lines, ""]))
        return path

    def command(self, *arguments):
        result = runner(*arguments, tree=self.tree, timeout=1200, **self.environment)

        # Shown if the test fails.
        print("$", *arguments, "->", result.code, result.out, result.err, sep="\n")
        return result

    def output(self, code, *arguments):
        """Run a command that ends with this code; return what it prints, with paths shortened."""
        result = self.command(*arguments)
        assert result.code == code, result.err or result.out
        return (result.out + result.err).replace(str(self.root), "ROOT").replace(str(self.tree), "TREE")

    def run(self, code, *more):
        return self.output(code, "--local", "--pipeline", "month", "--root", self.root, *more)

    def inspect(self, *arguments):
        return self.output(0, "inspect", *arguments, "--root", self.root)

    def push(self, *arguments):
        return self.output(0, "push", *arguments, "month", "--root", self.root)

    def accept(self):
        """Approve a schema of today's data."""
        self.output(0, "schema", "infer", "month")
        return self.output(0, "schema", "approve", "month")

    def serves(self):
        """Return the version that serves."""
        [line] = [line for line in self.push().splitlines() if line.endswith("  serves")]
        return int(line.split()[0])

    def runs(self):
        """Return the ids of the runs, oldest first."""
        return sorted(path.name for path in (self.root / "month/runs").iterdir())

    def facts(self):
        """Return run.json of the newest run."""
        return json.loads((self.root / "month/runs" / self.runs()[-1] / "run.json").read_text())

    def kill_scheduled_run(self):
        """Start the schedule, and kill it with all its processes when its run has read the data."""
        runs_before = self.runs()
        command = ("schedule", "run-now", "month:weekly", "--root", self.root)
        running = warm.shared().start(*command, tree=self.tree, **self.environment)
        end, read = time.monotonic() + 200, '"node": "ingestion", "state": "COMPLETE"'
        while self.runs() == runs_before or read not in self._events():
            assert time.monotonic() < end, running.out + running.err
            time.sleep(0.02)
        running.kill()

    def _events(self):
        path = self.root / "month/runs" / self.runs()[-1] / "events.jsonl"
        return path.read_text() if path.exists() else ""

    def save(self, path):
        """Back up the store; PostgreSQL has tools of its own, as the command says."""
        if self.server is None:
            assert "store.backup: " in self.inspect("backup", path)
            return path
        output = self.output(2, "inspect", "backup", path, "--root", self.root)
        assert "back up and restore a store in PostgreSQL with PostgreSQL's tools: pg_dump" in output
        return self.server.copy(self.environment["PIPELINE_METADATA"])

    def restore(self, saved):
        """Replace the store by its backup."""
        if self.server is None:
            assert "the previous store is ROOT/metadata.sqlite.before-" in self.inspect("restore", saved)
        else:
            self.server.put_back(self.environment["PIPELINE_METADATA"], saved)

    def downgrade(self):
        """Leave of the records what an earlier version of this program wrote."""
        for path in (self.root / "month/runs").glob("*/run.json"):
            facts = json.loads(path.read_text())
            path.write_text(json.dumps({key: facts[key] for key in facts if key not in NEWER}))
        serving = self.root / "month/serving"
        shutil.rmtree(serving / ".pushed")
        for path in serving.glob("*/assets.extra/pushed.json"):
            record = json.loads(path.read_text())
            path.write_text(json.dumps({key: record[key] for key in ("pushed", "digest", "model", "copy_of")}))


@pytest.mark.parametrize("kind", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.slow)])
def test_a_month_of_weeks(tmp_path, request, kind):
    server = request.getfixturevalue("postgresql") if kind == "PostgreSQL" else None
    month = Month(tmp_path, server and server.new_database(), server)
    month.week(1)
    month.accept()
    output = month.run(0)
    assert "188 train, 55 eval, 57 test rows; span 1" in output
    assert "Blessed: no baseline yet: no model is served" in output
    first_version = month.serves()
    renamed_column(month, first_version)
    new_category(month)
    drift(month)
    bad_model(month)
    version = month.serves()
    saved = month.save(tmp_path / "store.backup")
    killed_schedule(month)
    moved_root(month, tmp_path)
    assert month.serves() > version
    restored_store(month, saved)
    upgrade(month)


def renamed_column(month, first_version):
    month.week(2, columns=("x", "zz"))
    output = month.run(2)
    assert "column 'z' of the schema is missing. Did you mean 'zz'?" in output
    output = month.output(3, "schema", "diff", "month")
    assert "refused  z: the column is missing from the data" in output
    assert "refused  zz: new column (FLOAT), which is not in the schema" in output
    assert "column 'z' of the schema is missing" in month.output(2, "doctor", "month", "--root", month.root)
    assert month.serves() == first_version

    # The supplier sends the file again.
    month.week(2)
    output = month.run(0)
    assert "1 earlier run with other data" in output
    assert "compared with the served model" in output
    assert month.serves() > first_version


def new_category(month):
    serving = month.serves()
    month.week(3, shops=(*SHOPS, "west"))
    output = month.run(3)
    assert "column 'shop': train: 1 new value: 'west' 33.53%" in output
    assert "the first 20 rows: data/week-3.csv line 4, 6" in output
    assert "Traceback" not in output
    output = month.inspect("anomalies", "latest")
    assert "its data was refused" in output
    assert "add value: \"west\" to the string_domain 'shop'" in output
    assert "refused  shop: 1 new value: 'west' 34.00%" in month.output(3, "schema", "diff", "month")
    assert month.serves() == serving
    assert "schemas/month.pbtxt is now the approved schema; the previous one is kept as" in month.accept()
    output = month.run(0, "--to", "validation")
    assert "ingestion       cached" in output
    assert "2 earlier runs with other data" in output


def drift(month):
    month.week(4, shift=3.0)
    output = month.run(0, "--to", "validation")
    assert "Jensen-Shannon divergence" in output
    assert "gates.drift.columns.x" in output
    assert "column 'x'" in month.facts()["warnings"][0]


def bad_model(month):
    serving = month.serves()
    month.week(5)
    output = month.run(3, *BAD)
    assert f"Version {serving} still serves" in output
    assert "compared with the served model" in output
    output = month.run(0, *BAD, "--set", "evaluation.baseline.tolerance=99")
    assert re.search(r"worse by [\d,.]+%, tolerated; compared with the served model", output)
    bad = month.serves()
    assert bad > serving
    assert f"serves now, a copy of {serving}; previously {bad}" in month.push("--rollback")
    result = month.push().splitlines()
    assert result[0].endswith(f"copy of {serving}  serves")
    assert "taken back" in result[1]
    output = month.run(0, *BAD, "--set", "evaluation.baseline.tolerance=99")
    assert f"Nothing pushed: version {month.serves()} serves" in output


def killed_schedule(month):
    month.week(6)
    month.kill_scheduled_run()
    lines = month.inspect("runs").splitlines()
    assert lines[1].split()[2] == "FAILED"
    assert "its process is no longer running: the same command resumes it" in lines[1]
    assert re.search(r"^month:weekly .* FAILED, ", month.output(0, "schedule", "list", "--root", month.root), re.M)
    output = month.output(0, "schedule", "history", "month:weekly", "--root", month.root)
    assert "FAILED" in output
    assert "its process exited without a result" in output


def moved_root(month, folder):
    """Move the root with the run that was killed, which the same command resumes there."""
    old_root, month.root = month.root, folder / "elsewhere"
    old_root.rename(month.root)
    output = month.run(0)
    assert f"resuming run {month.runs()[-1]}, attempt 2: its process was killed" in output
    assert "ingestion       kept" in output
    assert f"the root was {old_root}: " in output
    assert "paths in ML Metadata now point to ROOT" in output
    assert "compared with the served model" in output
    assert re.search(r"history +done .* 4 earlier runs with other data", output)


def restored_store(month, saved):
    """Restore the backup from before the run that serves; the next week is compared with that run's model anyway."""
    served, newest = month.serves(), month.runs()[-1]
    month.restore(saved)
    assert newest not in month.inspect("runs"), "the backup is older"
    assert month.serves() == served, "the serving folder is not part of the store"
    month.week(7)
    output = month.run(0)
    assert "the root was " in output, "the backup has the paths from before the move"
    assert re.search(r"history +done .* 4 earlier runs with other data", output), "week 6 is not in the backup"
    assert "compared with the served model" in output
    assert month.serves() > served


def upgrade(month):
    serving = month.serves()
    month.downgrade()
    assert "COMPLETE" in month.inspect("runs")
    output = month.inspect("show", "latest")
    assert re.search(r"^state +COMPLETE$", output, re.MULTILINE)
    assert "\nfile " not in output, "not recorded then"
    month.week(8)
    output = month.run(0)
    assert "the root was" not in output
    assert "compared with the served model" in output
    version = month.serves()
    assert version > serving
    output = month.inspect("show", version)
    assert f"version {version} serves" in output
    assert "data/week-8.csv, span 8, 300 rows" in output
    assert f"version {serving}" in output
    assert "config:" in month.inspect("compare", month.runs()[0], "latest")
