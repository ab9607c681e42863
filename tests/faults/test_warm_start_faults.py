"""Warm start from last month's model when vocabularies, scales and classes have changed."""

import json
import random
from pathlib import Path

import pytest

from ..trees import cold_runner, copy_tree

CONFIG = """
network = {name = "mlp", layers = [16]}
[data]
path = "data/late.csv"
[features]
numeric = [{column = "size"}]
embedded = [{column = "city", dimension = 4}]
[columns]
id = "id"
[label]
column = "late"
task = "classes"
[training]
warm_start = true
epochs = 40
batch_size = 16
optimizer = {learning_rate = 0.02}
[evaluation]
floor = {accuracy = 0.8}
"""
COMPLETE = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
SCHEMA = "".join(
    f'feature {{ name: "{name}" type: {kind} {COMPLETE} }}\n'
    for name, kind in (("id", "BYTES"), ("city", "BYTES"), ("size", "FLOAT"), ("late", "BYTES"))
)
ODDS = {"oslo": 0.0, "kyiv": 1.0, "lima": 0.03, "cork": 0.97}


def write_month(tree: Path, month: int) -> None:
    """Write a month: the city determines the class; month 2 reverses the frequencies of both, and sizes grow."""
    draw = random.Random(month)
    cities = list(ODDS) if month == 1 else list(ODDS)[::-1]
    rows = ["id,city,size,late"]
    for number in range(600):
        city = draw.choices(cities, [50, 30, 13, 7])[0]
        late = "yes" if draw.random() < ODDS[city] else "no"
        rows.append(f"{month}-{number},{city},{draw.uniform(20, 80) * (1 if month == 1 else 1.5):.1f},{late}")
    (tree / "data/late.csv").write_text("\n".join(rows) + "\n")


@pytest.mark.slow
def test_a_warm_start_starts_from_the_previous_month_s_predictions(tmp_path, figure):
    """Fault 46: another order of tokens and classes, another scale of a number, in whole runs."""
    tree = copy_tree(tmp_path / "tree", rows=10)
    (tree / "configs/late.toml").write_text(CONFIG)
    (tree / "schemas/late.pbtxt").write_text(SCHEMA)

    def accuracy(month: int, *overrides: str) -> tuple[float, str]:
        write_month(tree, month)
        options = [part for setting in overrides for part in ("--set", setting)]
        result = cold_runner("--local", "--pipeline", "late", "--root", tree / "runs", *options, tree=tree)
        assert result.code == 0, result.err
        [folder] = [line.split(maxsplit=1)[1] for line in result.out.splitlines() if line.startswith("Run:")]
        record = json.loads((Path(folder.strip()) / "run.json").read_text())
        line = next(line for line in result.out.splitlines() if line.startswith("trainer "))
        return float(record["outcome"]["metrics"]["accuracy"]), line

    first_accuracy, _ = accuracy(1)
    warm_accuracy, line = accuracy(2, "training.epochs=0")
    assert "warm start with 5 of 5 weights of the model that serves" in line
    assert warm_accuracy > 0.9
    figure(46, f"accuracy of month 1: {first_accuracy:.3f}; of month 2 before its first epoch: {warm_accuracy:.3f}")
