"""Functions that the fast path does not know: stock TFX runs the stage, over declared files alone."""

import json

import pytest
import tensorflow_transform as tft
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components import example_passes
from components.transformation import executor
from errors import ResourceError
from manifest import Shard

ROWS = {"train": 6, "eval": 3}
FEATURE = "feature {{ name: '{}' type: {} presence {{ min_fraction: 1 }} shape {{ dim {{ size: 1 }} }} }}\n"
SCHEMA = FEATURE.format("x", "FLOAT") + FEATURE.format("word", "BYTES")


def preprocessing_fn(inputs, custom_config):
    return {"word": tft.compute_and_apply_vocabulary(inputs["word"], weights=inputs["x"]), "y": inputs["x"]}


@pytest.fixture
def transform(tmp_path, write_examples, beam_pipeline):
    """Runs the executor; returns the artifact of transformed examples."""
    examples, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
    graph, transformed = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    examples.uri, schema.uri = str(tmp_path / "examples"), str(tmp_path / "schema")
    graph.uri, transformed.uri = str(tmp_path / "graph"), str(tmp_path / "made")
    examples.split_names = artifact_utils.encode_split_names(list(ROWS))
    examples.set_string_custom_property("file_format", "tfrecords_gzip")
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    declared = {split: [Shard(f"Split-{split}/x-00000-of-00001.gz", rows)] for split, rows in ROWS.items()}
    for split, rows in ROWS.items():
        columns = {"x": [float(row) for row in range(rows)], "word": ["a", "b", "c"] * (rows // 3)}
        write_examples(tmp_path / "examples" / declared[split][0].path, columns)
    example_passes.declare(examples, declared)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema/schema.pbtxt").write_text(SCHEMA)

    def run():
        splits = transform_pb2.SplitsConfig(analyze=["train"], transform=list(ROWS))
        properties = {
            "preprocessing_fn": f"{__name__}.preprocessing_fn",
            "splits_config": proto_utils.proto_to_json(splits),
            "custom_config": json.dumps({}),
            "module_file": None,
            "disable_statistics": 1,
        }
        context = base_beam_executor.BaseBeamExecutor.Context(
            make_beam_pipeline_fn=beam_pipeline, beam_pipeline_args=[], tmp_dir=str(tmp_path / "tmp")
        )
        inputs, outputs = {"examples": [examples], "schema": [schema]}, {"transform_graph": [graph]}
        executor.Executor(context).Do(inputs, {**outputs, "transformed_examples": [transformed]}, properties)
        return transformed

    return run


def test_what_stock_tfx_wrote_is_declared(transform, capfd):
    transformed = transform()
    assert "so stock TFX runs this stage" in capfd.readouterr().out
    assert {split: sum(file.rows for file in example_passes.files(transformed, split)) for split in ROWS} == ROWS


def test_stock_tfx_is_given_no_file_that_is_not_declared(transform, tmp_path):
    (tmp_path / "examples/Split-train/y-00000-of-00001.gz").write_bytes(b"")
    with pytest.raises(ResourceError, match=r"y-00000-of-00001.gz is not declared in manifest.json"):
        transform()
