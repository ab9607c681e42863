"""A store written by stock TFX: its penguin template, unchanged, run by LocalDagRunner."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inspection.report import page, report_facts
from inspection.store.metadata_store import open_store

REPOSITORY = Path(__file__).parents[2]
RUN = """
import sys
from tfx import v1 as tfx
from tfx.experimental.templates.penguin.models import features
from tfx.experimental.templates.penguin.pipeline import configs, pipeline
root = sys.argv[1]
tfx.orchestration.LocalDagRunner().run(pipeline.create_pipeline(
    pipeline_name=configs.PIPELINE_NAME, pipeline_root=f"{root}/artifacts", data_path=f"{root}/data",
    preprocessing_fn=configs.PREPROCESSING_FN, run_fn=configs.RUN_FN,
    train_args=tfx.proto.TrainArgs(num_steps=1), eval_args=tfx.proto.EvalArgs(num_steps=1),
    eval_accuracy_threshold=0.5, serving_model_dir=f"{root}/serving",
    metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(f"{root}/metadata.sqlite"),
    beam_pipeline_args=["--runner=FnApiRunner"],
))
"""


@pytest.fixture
def stock(tmp_path):
    (tmp_path / "data").mkdir()
    shutil.copy(REPOSITORY / "data/penguins.csv", tmp_path / "data")
    process = subprocess.run([sys.executable, "-c", RUN, tmp_path], cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-3000:]
    return tmp_path


@pytest.mark.slow  # tfx.v1 alone takes 20 s to import
def test_inspect_and_report_answer_on_the_store_of_the_stock_template(stock, ask):
    [run] = ask("runs", "--json")
    assert (run["state"], run["folder"]) == ("COMPLETE", None)
    nodes = {node["node_id"]: node["state"] for node in ask("show", "latest", "--json")["nodes"]}
    assert nodes == dict.fromkeys(("CsvExampleGen", "StatisticsGen", "SchemaGen"), "COMPLETE")
    ids = {row["type"]: row["id"] for row in ask("artifacts", "--json")}
    assert set(ids) == {"Examples", "ExampleStatistics", "Schema"}
    lineage = ask("lineage", ids["Schema"])
    assert "CsvExampleGen" in lineage
    assert str(stock / "data") in lineage
    splits = ask("statistics", "--json")
    assert [split["split"] for split in splits["splits"] if split["rows"] > 50] == ["train", "eval"]
    assert "bill_length_mm" in ask("schema")
    assert len(ask("examples", "-n", "3", "--json")["rows"]) == 3
    assert "statistics: equal: both have ExampleStatistics" in ask("compare", "latest", "latest")
    facts = report_facts.collect(open_store(str(stock), None), run["run_id"])
    text = page.report(facts)
    assert facts.notes == []
    for phrase in ("Most frequent values of island", "Distribution of year", "CsvExampleGen", "The run is complete."):
        assert phrase in text
