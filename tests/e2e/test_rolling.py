import csv
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ..warm import REPOSITORY
from .conftest import copy_tree

HOUSES = """
[data]
path = "rolling.csv"
spans = {by = "month"}
window = 4
split = {by = "span", column = "id", train = 9, eval = 1}
[columns]
time = "date"
[features]
numeric = [
  {column = "sqft_living", scale = "log1p"}, {column = "sqft_living15", scale = "log1p"}, {column = "bathrooms"},
  {column = "view"}, {column = "condition"}, {column = "grade"}, {column = "yr_built"}, {column = "lat"},
]
categorical = [{column = "zipcode"}, {column = "waterfront"}]
ignored = ["id", "sqft_lot", "sqft_above", "sqft_basement", "sqft_lot15", "bedrooms", "floors", "yr_renovated", "long"]
[label]
column = "price"
transform = "log"
[network]
name = "mlp"
layers = [32]
[training]
optimizer = {learning_rate = 3e-3}
epochs = 12
[evaluation]
baseline = {metric = "mae", tolerance = 0.0}
[[schedule]]
name = "monthly"
on = "new-span"
cron = "0 0 * * *"
"""

MADE = """
[data]
path = "rolling.csv"
spans = {by = "month"}
window = 2
[columns]
time = "date"
id = "id"
[features]
numeric = [{column = "size"}, {column = "age"}]
categorical = [{column = "kind"}]
[label]
column = "price"
[network]
name = "linear"
[training]
optimizer = {learning_rate = 3e-2}
epochs = 40
[evaluation]
baseline = {metric = "mae", tolerance = 0.1}
[gates.drift]
action = "block"
[[schedule]]
name = "monthly"
on = "new-span"
cron = "0 0 * * *"
"""

MADE_SCHEMA = "".join(
    f'feature {{ name: "{name}" type: {kind} presence {{ min_fraction: 1.0 min_count: 1 }} '
    f"shape {{ dim {{ size: 1 }} }} }}\n"
    for name, kind in (
        *(
            ("id", "BYTES"),
            ("date", "BYTES"),
            ("size", "FLOAT"),
            ("age", "FLOAT"),
            ("kind", "BYTES"),
            ("price", "FLOAT"),
        ),
    )
)


@pytest.fixture
def year(tmp_path):
    """Plays a year of a table under a config; returns one dict a month."""

    def play(name, config, schema, table):
        tree = copy_tree(tmp_path / "tree", rows=1)
        (tree / "configs" / f"{name}.toml").write_text(config)
        (tree / "schemas" / f"{name}.pbtxt").write_text(schema)
        (tmp_path / "arriving").mkdir()
        script = Path(__file__).with_name("rolling.py")
        completed = subprocess.run(
            [sys.executable, str(script), name, str(tmp_path / "runs"), str(tmp_path / "arriving"), str(table)],
            capture_output=True,
            text=True,
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), "NO_COLOR": "1"},
        )
        assert completed.returncode == 0, completed.stderr[-3000:]
        return [json.loads(line) for line in completed.stdout.splitlines() if line.startswith("{")]

    return play


@pytest.mark.slow
def test_each_month_trains_on_its_window_and_pushes_a_model_that_is_better_on_the_newest_rows(year, tmp_path):
    table = tmp_path / "houses.csv"
    table.write_bytes(gzip.decompress((REPOSITORY / "data" / "houses.csv.gz").read_bytes()))
    months = year("rolling", HOUSES, (REPOSITORY / "schemas" / "houses.pbtxt").read_text(), table)
    for month in months:
        metrics, baseline = month.get("metrics") or {}, month.get("baseline") or {}
        mae, baseline_mae = metrics.get("mae", float("nan")), baseline.get("mae", float("nan"))
        rows = metrics.get("example_count") or 0
        print(
            f"{month['month']}  {month['state']:<8}  {rows:>5.0f} rows  mae {mae:>8,.0f}  "
            f"blessed {baseline_mae:>8,.0f}  {'pushed' if month.get('pushed') else ''}"
        )

    # One span is not enough to test on the newest; each of the twelve that follow makes one run.
    assert [month["state"] for month in months[:1]] == ["FAILED"]
    assert [month["fires"] for month in months] == list(range(1, 14))
    for month in months[1:]:
        better = not month["baseline"] or month["metrics"]["mae"] <= month["baseline"]["mae"]
        assert (month["state"] == "COMPLETE") == bool(month["blessed"]) == bool(month["pushed"]) == better, month
    sold = {}
    with open(table, newline="") as file:
        for row in csv.DictReader(file):
            sold[row["date"][:7]] = sold.get(row["date"][:7], 0) + 1
    assert all(month["metrics"]["example_count"] == sold[month["month"]] for month in months[1:])
    states = [month["state"] for month in months[1:]]
    assert {"COMPLETE", "NOT_BLESSED"} == set(states), "both kinds of months are there"


@pytest.mark.slow
def test_the_drift_of_month_nine_stops_the_run(year, tmp_path):
    random = np.random.default_rng(7)
    table = tmp_path / "made.csv"
    with open(table, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "date", "size", "age", "kind", "price"])
        for month in range(1, 13):
            for number in range(1500):
                # From month nine on the sizes come in another unit.
                size = random.normal(100, 20) * (3.3 if month >= 9 else 1)
                age, kind = random.uniform(0, 50), random.choice(["flat", "house"])
                price = 1000 * size - 500 * age + 20_000 * (kind == "house") + random.normal(0, 5000)
                day = f"2025-{month:02d}-{number % 28 + 1:02d}"
                writer.writerow([f"{month}-{number}", day, f"{size:.3f}", f"{age:.3f}", kind, f"{price:.0f}"])
    months = year("made", MADE, MADE_SCHEMA, table)
    for month in months:
        print(f"{month['month']}  {month['state']:<8}  {month['reason'][:150]!r}")

    states = [month["state"] for month in months]
    assert states[:8] == ["COMPLETE"] * 8
    assert states[8] == "BLOCKED"
    assert re.search(r"a gate blocks the data:[\s\S]*drift: column 'size': Jensen-Shannon", months[8]["reason"])
    assert not months[8].get("pushed")
