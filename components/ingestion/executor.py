"""Runs ingestion as a Beam pipeline whose elements are files, never rows."""

import io
import json
import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import summary
from components.ingestion import csv_source, encoding, split
from components.ingestion.records import RecordWriter
from errors import UserError
from models import settings

COUNTS = "counts"
"""Folder beside the Split-* folders with each shard's row counts; inside them TFX would read it as records."""


class Executor(base_beam_executor.BaseBeamExecutor):  # type: ignore[misc]
    """TFX calls `Do`."""

    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Read the files and write one shard a file and split.

        Raises:
            UserError: a file cannot be read, or a split came out empty.
        """
        config = settings.unpack(json.loads(exec_properties["settings"]))
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        shards = [{"path": config["path"], "shard": 0, "shards": 1}]
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(shards, reshuffle=False)
                | "WriteShards" >> beam.ParDo(WriteShard(config, examples.uri))
            )
        counts = _counts(examples.uri, len(shards), list(config["shares"]))
        for name, rows in counts.items():
            if not rows:
                raise UserError(
                    f"{config['path']}: no row fell into split {name!r}; it needs more rows, or a larger share in "
                    "data.split"
                )
        examples.split_names = artifact_utils.encode_split_names(list(counts))
        examples.span, examples.version = 0, 0
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        examples.set_string_custom_property("rows", json.dumps(counts))
        summary.put(examples, ", ".join(f"{rows:,} {name}" for name, rows in counts.items()) + " rows")


class WriteShard(beam.DoFn):  # type: ignore[misc]
    """One file in, its shard of every split out.

    Args:
        config: `columns`, `shares`, `split_column`, `salt`.
        uri: The Examples artifact's folder.
    """

    def __init__(self, config: dict[str, Any], uri: str) -> None:
        self._config = config
        self._uri = uri

    def process(self, element: dict[str, Any]) -> Iterator[int]:
        """Write the shard; yield its number of rows."""
        rows = dict.fromkeys(self._config["shares"], 0)
        suffix = f"{element['shard']:05d}-of-{element['shards']:05d}"
        writers = {name: RecordWriter(_create(f"{self._uri}/Split-{name}/data_tfrecord-{suffix}.gz")) for name in rows}
        for batch in csv_source.batches(element["path"], self._config["columns"]):
            examples = encoding.examples(batch)
            serialized = examples.to_pylist()
            keys = split.keys(batch, examples, self._config["split_column"])
            for name, numbers in split.rows(keys, self._config["shares"], self._config["salt"]).items():
                writers[name].write([serialized[number] for number in numbers.tolist()])
                rows[name] += len(numbers)
        for writer in writers.values():
            writer.close()
        with io.TextIOWrapper(_create(f"{self._uri}/{COUNTS}/{suffix}.json")) as file:
            json.dump(rows, file)
        yield sum(rows.values())


def _create(path: str) -> Any:
    FileSystems.exists(os.path.dirname(path)) or FileSystems.mkdirs(os.path.dirname(path))
    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)


def _counts(uri: str, shards: int, splits: list[str]) -> dict[str, int]:
    """Sum the shards' row counts, and see that no shard is missing: a Beam job's DONE does not prove it."""
    totals = dict.fromkeys(splits, 0)
    for shard in range(shards):
        path = f"{uri}/{COUNTS}/{shard:05d}-of-{shards:05d}.json"
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            for name, rows in json.loads(file.read()).items():
                totals[name] += rows
    return totals
