"""[inference] in whole runs: on this machine, and in dry runs of both platforms."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from ..flats import COMPLETE, Flats
from ..warm import Result
from .conftest import run_folder, runner

TARGETS = {"kubeflow": "minio://store/root", "vertex": "gs://bucket/root"}
CONFIG = f"""\
{Flats.CONFIG}
[training]
epochs = 1
[evaluation]
importance = 0
plain = false
floor = {{r2 = -100.0}}
[inference]
path = "data/new.csv"
"""
NEW = "area,city\n50.5,Bern\nwide,Chur\n60.5,Basel\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with 200 rows to train on and three to predict."""
    folder = tmp_path_factory.mktemp("inference") / "project"
    for name in ("configs", "schemas", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "pipeline-project.toml").write_text("format = 1\n")
    (folder / "configs" / "flats.toml").write_text(CONFIG)
    types = {"area": "FLOAT", "city": "BYTES", "rent": "INT"}
    schema = [f'feature {{ name: "{name}" type: {kind} {COMPLETE} }}\n' for name, kind in types.items()]
    (folder / "schemas" / "flats.pbtxt").write_text("".join(schema))
    cells = [f"{40 + row % 50}.5,{('Bern', 'Chur')[row % 2]},{900 + 7 * (row % 50)}" for row in range(200)]
    (folder / "data" / "flats.csv").write_text("\n".join(["area,city,rent", *cells, ""]))
    (folder / "data" / "new.csv").write_text(NEW)
    return folder


def run(project: Path, *more: object) -> Result:
    return runner("--project", project, "--local", "--pipeline", "flats", *more)


@pytest.fixture(scope="module")
def local(project: Path) -> Result:
    """A run on this machine."""
    result = run(project)
    assert result.code == 0, result.err + result.out
    return result


def tables(project: Path) -> list[Any]:
    """The tables of all runs on this machine, the oldest first."""
    found = (project / "runs" / "flats" / "artifacts" / "inference" / "inference_result").glob("*/predictions.parquet")
    return [pq.read_table(path) for path in sorted(found, key=lambda path: int(path.parent.name.partition("-")[0]))]


def test_a_run_predicts_the_rows_as_the_command_does(project: Path, local: Result, tmp_path: Path) -> None:
    assert local.nodes["inference"] == "done"
    assert "2 rows predicted, 1 more have an error" in local.out
    [table] = tables(project)
    assert table["error"].to_pylist() == [None, "column 'area' holds 'wide', which is not a number", None]
    predicted = runner(
        "predict", "flats", project / "data" / "new.csv", "-o", tmp_path / "out.parquet", "--project", project
    )
    assert predicted.code == 0, predicted.err
    assert table.equals(pq.read_table(tmp_path / "out.parquet"))


@pytest.mark.parametrize("target", list(TARGETS))
def test_a_dry_run_predicts_the_rows_too(target: str, project: Path, local: Result) -> None:
    root = ("--cloud-root", TARGETS[target], "--image", "registry/image:1")
    job = ("--project", project, f"--{target}", "--pipeline", "flats", "--dry-run", "fork", *root)
    first = runner(*job)
    assert first.code == 0, first.err + first.out
    folder = run_folder(first)
    [artifact] = json.loads((folder / "inference.output.json").read_text()).values()
    place = folder.parents[1] / "buckets" / artifact["uri"].replace("://", "/")
    table, here = pq.read_table(place / "predictions.parquet"), tables(project)[0]
    assert table["error"].equals(here["error"])
    differences = [abs(one - two) for one, two in zip(*(_predictions(one) for one in (table, here)), strict=True)]
    assert max(differences) < 1e-2
    assert len(list(tf.data.TFRecordDataset([str(path) for path in place.glob("prediction_logs-*")], "GZIP"))) == 2
    home = folder.parents[1] / "buckets" / f"{TARGETS[target]}/flats".replace("://", "/")
    recorded = json.loads((home / "runs" / folder.name / "run.json").read_text())
    assert (recorded["state"], recorded["stages"]["inference"]) == ("COMPLETE", "COMPLETE")


def _predictions(table: Any) -> list[float]:
    return [value for value in table["prediction"].to_pylist() if value is not None]


def test_an_unchanged_run_keeps_the_predictions_and_new_rows_train_nothing(project: Path, local: Result) -> None:
    """Rows that cannot be read stop a run before its first stage."""
    assert run(project).nodes["inference"] == "cached"
    (project / "data" / "new.csv").write_text(NEW + "70.5,Chur\n")
    try:
        changed = run(project)
        assert changed.code == 0, changed.err + changed.out
        ran = {name for name, state in changed.nodes.items() if state == "done"}
        assert {"inference"} <= ran <= {"inference", "history", "baseline", "evaluator", "pusher"}
        assert len(tables(project)[-1]) == 4
        (project / "data" / "new.csv").write_text("area\n1\n")
        refused = run(project)
    finally:
        (project / "data" / "new.csv").write_text(NEW)
    assert refused.code == 2
    assert "new.csv" in refused.err
    assert "'city'" in refused.err
    missing = run(project, "--set", "inference.path=data/none.csv")
    assert "configs/flats.toml: inference.path: there is no file" in missing.err
    assert missing.code == 2


def test_a_failed_prediction_leaves_the_pushed_model_and_the_next_run_goes_on_from_there(
    project: Path, local: Result, tmp_path: Path
) -> None:
    copied = shutil.copytree(project, tmp_path / "project", ignore=shutil.ignore_patterns("runs"))
    (copied / "data" / "new.csv").write_text("area,city\nwide,Bern\n")
    failed = run(copied)
    assert (failed.code, failed.nodes["pusher"], failed.nodes["inference"]) == (2, "done", "failed")
    assert "no row can be predicted" in failed.err
    assert [path for path in (copied / "runs" / "flats" / "serving").iterdir() if path.name.isdigit()]
    (copied / "data" / "new.csv").write_text(NEW)
    again = run(copied)
    assert again.code == 0, again.err
    assert again.nodes["inference"] == "done"
    assert again.nodes["trainer"] == "cached"
