"""What all tests share. Nothing heavy is imported before a test asks for it."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40)
hypothesis.settings.load_profile("repeatable")

Rows = Sequence[Mapping[str, Any]]


@pytest.fixture(scope="session")
def pack() -> Callable[..., dict[str, Any]]:
    """Makes a custom_config, as a TFX node hands it to user code, out of sections."""
    from models import settings

    def make(**sections: Any) -> dict[str, Any]:
        return {"settings": settings.pack(sections, None)}

    return make


@pytest.fixture(scope="session")
def write_examples() -> Callable[[Path, Mapping[str, Any]], Path]:
    """Writes columns as gzipped tf.Examples: int64, float32 or bytes, one value a cell."""
    import pyarrow as pa

    from components.ingestion import encoding
    from components.ingestion.records import RecordWriter

    def write(path: Path, columns: Mapping[str, Any]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = RecordWriter(path.open("wb"))
        writer.write(
            encoding.examples(pa.record_batch(list(map(pa.array, columns.values())), list(columns))).to_pylist()
        )
        writer.close()
        return path

    return write


@pytest.fixture(scope="session")
def beam_pipeline() -> Callable[[], Any]:
    """Makes Beam pipelines that run in this process."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    return lambda: beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))


@pytest.fixture(scope="session")
def analyze(beam_pipeline: Callable[[], Any]) -> Callable[..., str]:
    """Runs preprocessing_fn over a table with Beam; returns the folder of the transform graph.

    The table is given as columns; the first value that is there tells each one's type, and a column with a None in it
    may be missing. `examples` names a file for the transformed rows, as TFX writes them.
    """
    import apache_beam as beam
    import tensorflow as tf
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform import TFTransformOutput
    from tensorflow_transform.coders import ExampleProtoCoder
    from tensorflow_transform.tf_metadata import dataset_metadata

    from models import preprocessing

    kinds = {int: tf.int64, float: tf.float32, str: tf.string, bytes: tf.string}

    def feature(cells: Sequence[Any]) -> Any:
        kind = kinds[type(next(cell for cell in cells if cell is not None))]
        return tf.io.VarLenFeature(kind) if None in cells else tf.io.FixedLenFeature([1], kind)

    def values(cell: Any) -> list[Any]:
        return [] if cell is None else [cell.encode() if isinstance(cell, str) else cell]

    def run(
        folder: Path,
        columns: Mapping[str, Sequence[Any]],
        custom_config: Mapping[str, Any],
        examples: Path | None = None,
    ) -> str:
        spec = {name: feature(cells) for name, cells in columns.items()}
        metadata = dataset_metadata.DatasetMetadata.from_feature_spec(spec)
        rows = [dict(zip(columns, map(values, row), strict=True)) for row in zip(*columns.values(), strict=True)]
        function = functools.partial(preprocessing.preprocessing_fn, custom_config=custom_config)
        with (
            beam_pipeline() as pipeline,
            tft_beam.Context(temp_dir=str(folder / "temporary")),
        ):
            raw = pipeline | beam.Create(rows, reshuffle=False)
            graph = (raw, metadata) | tft_beam.AnalyzeDataset(function)
            _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
            _ = metadata | tft_beam.WriteMetadata(str(folder / "graph" / TFTransformOutput.RAW_METADATA_DIR), pipeline)
            if examples is not None:
                (made, made_metadata) = ((raw, metadata), graph) | tft_beam.TransformDataset()
                # The schema is known only once the pipeline runs.
                coder = beam.pvalue.AsSingleton(made_metadata.deferred_metadata)
                _ = (
                    made
                    | beam.Map(lambda row, found: ExampleProtoCoder(found.schema).encode(row), found=coder)
                    | beam.io.WriteToTFRecord(str(examples), shard_name_template="")
                )
        return str(folder / "graph")

    return run
