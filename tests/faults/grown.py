"""Ingestion, statistics and transformation of a generated table in their own process: seconds and peak memory.

python tests/faults/grown.py FOLDER ROWS
"""

import functools
import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import metadata_io, schema_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from benchmarks import bench_tables
from components import example_passes
from components.ingestion import executor as ingestion
from components.statistics import executor as statistics
from components.transformation import graph_passes
from components.transformation.analysis import Analysis
from models.transform_graph import preprocessing
from spec import settings
from spec.data import Data


def main() -> None:
    """Print the figures as JSON; imports and the making of the table do not count."""
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    path = folder / "table.csv"
    bench_tables.write(path, rows)
    schema = text_format.Parse(bench_tables.SCHEMA, schema_pb2.Schema())
    features = {"numeric": [{"column": "area"}, {"column": "age"}], "categorical": [{"column": "city"}]}
    function = functools.partial(
        preprocessing.preprocessing_fn,
        custom_config={"settings": settings.pack({"features": features, "label": {"column": "price"}}, None)},
    )
    data = Data(path=str(path), split={"by": "hash"})
    config = {
        "paths": str(path),
        "data": data.model_dump(mode="json"),
        "columns": {feature.name: _kind(feature) for feature in schema.feature},
        "duties": {"id": None, "group": None, "time": None},
        "label": "price",
        "complete": [],
        "read": [],
        "notes": [],
        "classes": False,
    }
    examples, figures = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics()
    examples.uri, figures.uri = str(folder / "examples"), str(folder / "statistics")
    make = functools.partial(beam.Pipeline, options=PipelineOptions(["--runner=FnApiRunner"]))
    context = base_beam_executor.BaseBeamExecutor.Context(make_beam_pipeline_fn=make)
    started, seconds = time.monotonic(), time.process_time()
    ingestion.Executor(context).Do(
        {}, {"examples": [examples]}, {"settings": json.dumps(settings.pack(config, None)), "content": "", "code": ""}
    )
    statistics.Executor(context).Do({"examples": [examples]}, {"statistics": [figures]}, {})
    spec = schema_utils.schema_as_feature_spec(schema).feature_spec
    temporary = str(folder / "temporary")
    analysis = Analysis(function, impl_helper.get_type_specs_from_feature_specs(spec), temporary)
    needed = {name: spec[name] for name in analysis.columns}
    files = example_passes.files(examples, "train")
    model = analysis.run(graph_passes.gather(make, files, needed, temporary))
    metadata = metadata_io.read_metadata(f"{model}/{impl_helper.METADATA_DIR_NAME}")
    target = folder / "transformed" / "Split-train"
    target.mkdir(parents=True)
    sources = {str(target / os.path.basename(file.path)): file for file in files}
    graph_passes.materialize(make, sources, needed, model, metadata.schema, temporary)
    measured = {
        "seconds": time.monotonic() - started,
        "processor": time.process_time() - seconds,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "splits": artifact_utils.decode_split_names(examples.split_names),
    }
    print(json.dumps(measured))


def _kind(feature: schema_pb2.Feature) -> str:
    return {schema_pb2.INT: "INT", schema_pb2.FLOAT: "FLOAT", schema_pb2.BYTES: "BYTES"}[feature.type]


if __name__ == "__main__":
    main()
