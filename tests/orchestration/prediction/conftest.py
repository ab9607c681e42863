"""A project folder with a pushed model, and files of rows for it."""

import csv
import types

import pyarrow as pa
import pytest

import project
from components.evaluator import prediction
from components.inference import prediction_parts
from components.ingestion import sources
from models.training import run_fn
from orchestration.prediction import predict_file
from pipeline import load
from spec.cells.cleaning import section

from ...flats import COMPLETE, OPTIONAL

COLUMNS = {"id": "BYTES", "size": "FLOAT", "rooms": "INT", "area": "FLOAT", "country": "BYTES", "y": "FLOAT"}
CONFIG = """
[data]
path = "rows.csv"
column_null_values = {size = [-999]}
[columns]
id = "id"
[features]
numeric = [
  {column = "size", missing = "mean"},
  {column = "rooms", missing = 40},
  {column = "area"},
]
categorical = [{column = "country", missing = "category"}]
[label]
column = "y"
[network]
name = "mlp"
layers = [4]
[training]
epochs = 3
batch_size = 4
"""
FEATURE = 'feature {{ name: "{name}" type: {kind} {presence} }}\n'
ROWS = [
    ["a1", "3.5", " 2 ", "1", "NA", "1"],
    ["a2", "?", "3", "2.5", "?", "2"],
    ["a3", "", "", "3", " ZA ", "3"],
    ["a4", "-999.0", "-1", "4", "BW", "4"],
    ["a5", "7", "4", "5", "Z\u00fcrich", "5"],
    ["a6", "", "NA", "6", "", "6"],
    ["a7", "+12", "5", "7e0", "ZA", "7"],
]
NEW = [["b1", "1.5", "2", "3", "never seen", ""], ["b2", "\u00a08", "6", "8", "BW", ""]]


def write(path, rows, names=tuple(COLUMNS)):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [list(names), *([cell for cell, _ in zip(row, names, strict=False)] for row in rows)]
        )
    return str(path)


@pytest.fixture(scope="session")
def pushed(tmp_path_factory, analyze, pack):
    """A project folder with a pushed model under runs/."""
    folder = tmp_path_factory.mktemp("project")
    (folder / project.FILE).write_text("format = 1\n")
    for name, text in (("configs/rows.toml", CONFIG), ("schemas/rows.pbtxt", "")):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    required = {"id", "area", "y"}
    (folder / "schemas/rows.pbtxt").write_text(
        "".join(
            FEATURE.format(name=name, kind=kind, presence=COMPLETE if name in required else OPTIONAL)
            for name, kind in COLUMNS.items()
        )
    )
    config = load.load(str(folder), "rows")
    path = write(folder / "rows.csv", ROWS)
    table = pa.Table.from_batches(sources.batches(path, config.data, COLUMNS)).drop(["id"]).to_pydict()
    plain = config.plain("features", "label", "network", "training", "columns", "data")
    data = plain.pop("data")
    packed = pack(**plain, cleaning=section(data))
    base = tmp_path_factory.mktemp("trained")
    arguments = types.SimpleNamespace(
        transform_output=analyze(base, table, packed, base / "made.gz"),
        train_files=[str(base / "made.gz")],
        eval_files=[str(base / "made.gz")],
        serving_model_dir=str(folder / "runs/rows/serving/7"),
        model_run_dir=str(base / "run"),
        custom_config={**packed, "raw_files": [str(base / "raw.gz")], "raw_train_files": [str(base / "raw.gz")]},
    )
    run_fn.run_fn(arguments)
    return folder


@pytest.fixture(scope="session")
def model(pushed):
    """The pushed model, loaded once; it predicts two rows at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "BATCH", 2)
        return predict_file.RowModel(str(pushed / "runs/rows/serving/7"), "regression")


@pytest.fixture
def predict_rows(pushed, model, tmp_path, monkeypatch):
    """Run in the project; returns the function that predicts into a file of the test's folder."""
    monkeypatch.setenv(project.VARIABLE, str(pushed))
    monkeypatch.setattr(predict_file, "RowModel", lambda *_: model)
    monkeypatch.setattr(prediction_parts, "PART_BATCHES", 1)

    def run(source, output="out.csv", **options):
        target = str(tmp_path / output)
        return predict_file.predict(str(pushed / "runs"), "rows", str(source), target, **options), target

    return run


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


BAD = [
    ROWS[0],
    ["c2", "abc", "1.5", "3", "ZA", ""],
    ["c3", "1", "2", " NA", "ZA", ""],
    ["c4", "1", "2", "inf", "ZA", ""],
    ROWS[6],
]
