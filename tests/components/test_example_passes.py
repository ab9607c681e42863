"""Stages read exactly the declared files of an Examples artifact, and fail if one is missing, shorter or longer."""

import json
import types

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from components import example_passes, trainer
from components.evaluator import prediction
from components.ingestion import executor as ingestion
from components.statistics import executor as statistics
from components.transformation import graph_passes
from components.validation import gate_inputs
from errors import ResourceError
from manifest import Shard
from spec.data import Data

SPLITS = {"train": (3, 2), "eval": (2,)}
"""Rows of each declared file."""


@pytest.fixture
def examples(tmp_path, write_examples):
    """An artifact whose folders also contain files of another run."""
    declared = {}
    for split, rows in SPLITS.items():
        names = [f"Split-{split}/x-{number:05d}-of-{len(rows):05d}.gz" for number in range(len(rows))]
        declared[split] = [Shard(name, count) for name, count in zip(names, rows, strict=True)]
        for name, count in zip(names, rows, strict=True):
            write_examples(tmp_path / "examples" / name, {"x": [float(row) for row in range(count)]})
        for name in ("x-00002-of-00003.gz", "other.gz"):
            write_examples(tmp_path / f"examples/Split-{split}" / name, {"x": [100.0] * 7})
    artifact = standard_artifacts.Examples()
    artifact.uri, artifact.split_names = str(tmp_path / "examples"), artifact_utils.encode_split_names(list(SPLITS))
    example_passes.declare(artifact, declared)
    return artifact


@pytest.fixture
def measured(examples, tmp_path, beam_pipeline):
    """A function that runs the statistics and returns the number of rows by split."""

    def run():
        artifact = standard_artifacts.ExampleStatistics()
        artifact.uri = str(tmp_path / "statistics")
        context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=beam_pipeline)
        statistics.Executor(context).Do({"examples": [examples]}, {"statistics": [artifact]}, {})
        return {
            split: tfdv.load_stats_binary(f"{artifact.uri}/Split-{split}/FeatureStats.pb").datasets[0].num_examples
            for split in SPLITS
        }

    return run


def test_a_file_that_is_not_declared_is_not_read(examples, measured):
    assert measured() == {"train": 5, "eval": 2}
    rows = prediction.Rows(example_passes.files(examples, "train"), {}, 2)
    assert [len(numbers) for _, numbers in rows.batches()] == [2, 2, 1]


def test_ingestion_writes_a_manifest_of_its_files_and_rows(tmp_path, beam_pipeline):
    for number in range(2):
        lines = [f"{row + 0.5}" for row in range(50 * number, 50 * number + 50)]
        (tmp_path / f"part-{number}.csv").write_text("\n".join(["x", *lines]) + "\n")
    # Files of a previous attempt of the task, whose folder the platform reuses.
    for name in ("Split-train/data_tfrecord-00002-of-00003.gz", "counts/00002-of-00003.marks"):
        (tmp_path / "examples" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "examples" / name).write_bytes(b"stale")
    artifact = standard_artifacts.Examples()
    artifact.uri, path = str(tmp_path / "examples"), str(tmp_path / "part-*.csv")
    config = {
        "paths": path,
        "data": Data(path=path, split={"by": "hash"}).model_dump(mode="json"),
        "columns": {"x": "FLOAT"},
        "duties": dict.fromkeys(("id", "group", "time")),
        "label": None,
        "complete": [],
        "read": [],
        "notes": [],
        "classes": False,
    }
    context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=beam_pipeline)
    ingestion.Executor(context).Do(
        {}, {"examples": [artifact]}, {"settings": json.dumps({"inline": config}), "content": ""}
    )

    declared = example_passes.declared(artifact)
    train = [f"Split-train/data_tfrecord-0000{number}-of-00002.gz" for number in range(2)]
    assert [shard.path for shard in declared.splits["train"]] == train
    assert declared.marks == ["counts/00000-of-00002.marks", "counts/00001-of-00002.marks"]
    shards = [file for split in declared.splits for file in example_passes.files(artifact, split)]
    assert [file.rows for file in shards] == [example_passes.count(file.path) for file in shards]
    assert sum(file.rows for file in shards) == 100
    facts, *_ = gate_inputs.row_profiles([artifact])
    assert facts["train"].rows == sum(shard.rows for shard in declared.splits["train"])


def test_the_trainer_receives_only_declared_files(examples, monkeypatch):
    stock = types.SimpleNamespace(train_files=["all/*"], eval_files=["all/*"], custom_config={"code": "c"})
    monkeypatch.setattr(GenericExecutor, "_GetFnArgs", lambda *_: stock)
    fn_args = trainer.Executor()._GetFnArgs({"examples": [examples], "raw_examples": [examples]}, {}, {})
    train = [f"{examples.uri}/Split-train/x-0000{number}-of-00002.gz" for number in range(2)]
    held_out = [f"{examples.uri}/Split-eval/x-00000-of-00001.gz"]
    assert (fn_args.train_files, fn_args.eval_files) == (train, held_out)
    assert fn_args.custom_config == {
        "code": "c",
        "rows": {train[0]: 3, train[1]: 2, held_out[0]: 2},
        "raw_files": held_out,
        "raw_train_files": train,
    }


def test_the_error_of_a_missing_file_names_it(examples, measured, tmp_path):
    path = tmp_path / "examples/Split-train/x-00001-of-00002.gz"
    path.unlink()
    with pytest.raises(ResourceError, match=rf"{path} does not exist, but its artifact declares it; run again"):
        measured()


@pytest.mark.parametrize("count", [1, 3])
def test_the_error_of_a_file_with_another_row_count_names_it(
    examples, measured, tmp_path, write_examples, beam_pipeline, count
):
    path = write_examples(tmp_path / "examples/Split-train/x-00001-of-00002.gz", {"x": [1.0] * count})
    expected = rf"{path} has {count} rows but its artifact declares 2: .*; run again"
    with pytest.raises(ResourceError, match=expected):
        measured()
    rows = prediction.Rows(example_passes.files(examples, "train"), {}, 4)
    with pytest.raises(ResourceError, match=expected):
        list(rows.batches())
    graph = graph_passes.Graph.__new__(graph_passes.Graph)
    graph._spec, graph._apply = {"x": tf.io.FixedLenFeature([], tf.float32)}, dict
    with pytest.raises(ResourceError, match=expected):
        list(graph.batches(str(path), 2))


def test_an_undeclared_file_that_stock_tfx_would_read_is_an_error(examples, tmp_path):
    with pytest.raises(ResourceError, match=r"Split-train/other.gz is not declared in manifest.json"):
        example_passes.check_undeclared(examples)
    for split in SPLITS:
        for name in ("x-00002-of-00003.gz", "other.gz"):
            (tmp_path / f"examples/Split-{split}" / name).unlink()
    example_passes.check_undeclared(examples)


def test_the_error_of_a_missing_row_profile_names_it(examples):
    example_passes.declare(examples, {}, ["counts/00000-of-00001.marks"])
    with pytest.raises(ResourceError, match=r"counts/00000-of-00001.marks does not exist"):
        gate_inputs.row_profiles([examples])
