"""Executor of ingestion: a Beam pipeline whose elements are files, not rows."""

import json
import math
import os
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

import manifest
import project
from components import example_passes, summary
from components.engine import parallel_map
from components.engine.beam_pipeline import EngineMixin
from components.fingerprints import code_digest
from components.ingestion import matched_files, omissions, planning, sources
from components.ingestion.discovery import bucket_data, data_files, spans
from components.ingestion.discovery.bucket_data import BucketData
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.parsing.casting import narrowed
from components.ingestion.readers.csv import BLOCK_BYTES
from components.ingestion.rows import row_division, row_filter, row_profile
from components.ingestion.write import example_encoding
from components.ingestion.write.record_writer import RecordWriter, cut, framed, joined
from components.prefetch import prefetch
from errors import UserError
from manifest import COUNTS, Shard
from models import progress
from models.data import column_cache
from spec import settings
from spec.file_names import FILES, OMISSIONS
from spec.rows.data_paths import SPLITS
from spec.rows.split import Split

LEFT_OUT, OMITTED = ".left-out", ".omitted"
"""Extensions of a shard's files with the counts of dropped rows, and with the omissions of its data file."""


class Executor(EngineMixin, base_beam_executor.BaseBeamExecutor):  # type: ignore[misc]
    """Executor of the ingestion node: TFX calls `Do`."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Read the files and write one shard per file and split.

        Raises:
            UserError: a file cannot be read, or a split is empty.
            ResourceError: the files have changed since the digest in the parameters was computed.
        """
        # Workers have another working directory.
        values = settings.unpack(json.loads(exec_properties["settings"]))
        config = IngestionSettings.under(project.folder(), values)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        content = exec_properties["content"]
        with bucket_data.of_job(config.paths, config.data, content) as bucket:
            if bucket is not None:
                bucket.verify(content)
                bucket.fill()
                with bucket.named():
                    self._ingest(config.model_copy(update={"paths": bucket.paths}), examples, bucket)
                return
        try:
            plan = self._ingest(config, examples)
        except Exception:
            # A file that changes while it is read may look broken.
            data_files.verify(data_files.resolve(config.paths, config.data), content)
            raise
        data_files.verify(plan.found, content)

    def _ingest(self, config: IngestionSettings, examples: Any, bucket: BucketData | None = None) -> planning.Plan:
        plan = planning.plan(config)
        elements = [
            {"path": file.path, "split": file.split, "shard": number, "shards": len(plan.files)}
            for number, file in enumerate(plan.files)
        ]
        with parallel_map.temporary_folder(examples.uri) as temporary:
            writer = WriteShard(config, plan, examples.uri, f"{temporary}/files", bucket)
            for _ in parallel_map.map_elements(self._make_beam_pipeline, elements, writer, f"{temporary}/rows"):
                pass
        shard_counts = _of_shards(examples.uri, len(plan.files), ".json")
        counts = dict.fromkeys(SPLITS, 0) | _sum(shard_counts.values())
        left_out = _sum(_of_shards(examples.uri, len(plan.files), LEFT_OUT).values())
        omitted = omissions.Omissions(plan.omissions.plain())
        for plain in _of_shards(examples.uri, len(plan.files), OMITTED).values():
            omitted.merge(omissions.Omissions(plain))
        # The label is checked in the rows of all spans.
        row_count = counts["train"] if config.data.split.by == "all" else sum(counts.values())
        row_count += left_out.get(spans.OTHER, 0)
        if config.label:
            row_filter.check_labels(left_out, row_count, column=config.label, most=config.data.max_null_label)
        for name, number in counts.items():
            if not number:
                raise UserError(_empty(name, plan, config.data.split, left_out))
        splits: dict[str, list[Shard]] = {name: [] for name in counts}
        for suffix, numbers in shard_counts.items():
            for name, number in numbers.items():
                splits[name].append(Shard(_records(name, suffix), number))
        example_passes.declare(examples, splits, [f"{COUNTS}/{suffix}{row_profile.ENDING}" for suffix in shard_counts])
        examples.split_names = artifact_utils.encode_split_names(list(counts))
        examples.span, examples.version = plan.span, plan.version
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        examples.set_string_custom_property("rows", json.dumps(counts))
        examples.set_string_custom_property("left_out", _json(left_out))
        rows = ", ".join(f"{number:,} {name}" for name, number in counts.items()) + " rows"
        summary.put(examples, "; ".join([rows + row_filter.sentence(left_out), *omitted.summary(), *plan.notes]))
        for reason, number in left_out.items():
            omitted.add("row", reason, action="left out", count=number)
        if omitted:
            with parallel_map.create(f"{examples.uri}/{OMISSIONS}") as file:
                file.write(json.dumps(omitted.plain()).encode())
        rows_by_file = {file.path: rows for file, rows in zip(plan.files, shard_counts.values(), strict=True)}
        described = json.dumps(matched_files.describe(plan.found, rows_by_file))
        with parallel_map.create(f"{examples.uri}/{FILES}") as file:
            file.write((described if bucket is None else bucket.shown(described)).encode())
        return plan


class WriteShard:
    """Writes one file's shard of every split; see `spread.Work`.

    Args:
        config: The node's settings.
        plan: Plan that was made before the first row.
        uri: Folder of the Examples artifact.
        drafts: Folder of files that are not complete yet.
        bucket: The bucket that holds the files; None if they are read where they are.
    """

    def __init__(
        self, config: IngestionSettings, plan: planning.Plan, uri: str, drafts: str, bucket: BucketData | None = None
    ) -> None:
        self._config = config
        self._plan = plan
        self._bucket = bucket
        self._uri, self._drafts = parallel_map.absolute(uri), parallel_map.absolute(drafts)

    def setup(self) -> None:
        """Do nothing."""

    def process(self, element: dict[str, Any]) -> int:
        """Write the shard.

        Returns:
            Its number of rows.
        """
        config, plan, path = self._config, self._plan, element["path"]
        if self._bucket is not None:
            # A worker on another machine does not have it.
            self._bucket.fill(path)
        suffix = _suffix(element["shard"], element["shards"])
        splitter = row_division.splitter(config, plan)
        keeper = planning.keeper(config)
        paths = {name: f"{self._uri}/{_records(name, suffix)}" for name in splitter.names(element["split"])}
        drafts = {name: parallel_map.Draft(records, self._drafts) for name, records in paths.items()}
        writers = {name: RecordWriter(draft.file) for name, draft in drafts.items()}
        columns = {name: column_cache.Writer(records) for name, records in paths.items()}
        counts = dict.fromkeys(writers, 0)
        marks = row_division.marks(config, sources.added(path, config.data))
        omitted = omissions.Omissions()
        meter, expected_rows = progress.Meter(), 0.0
        for batch in prefetch(planning.read(plan.files[element["shard"]], plan, config, keeper, omitted)):
            narrow = narrowed(batch)
            examples = example_encoding.examples(narrow)
            texts = cut(examples)
            # Times are compared in the precision in which they were read.
            divided = splitter.divide(batch, examples, texts=texts, path=path, ready=element["split"])
            marks.add(narrow, divided)
            records, typed = framed(examples, texts), column_cache.typed(narrow)
            for name, numbers in divided.items():
                writers[name].write_framed(joined(records.take(pa.array(numbers))))
                columns[name].write(column_cache.selected(typed, numbers))
                counts[name] += len(numbers)
            if not expected_rows and len(batch):
                expected_rows = _expected(path, len(batch))
                meter.expect(expected_rows)
            meter.add(len(batch))
        for name, writer in writers.items():
            writer.close()
            drafts[name].place()
            columns[name].close(writer.digest)
        for ending, content in ((".json", counts), (LEFT_OUT, keeper.left_out), (OMITTED, omitted.plain())):
            draft = parallel_map.Draft(f"{self._uri}/{COUNTS}/{suffix}{ending}", self._drafts)
            with draft.file as file:
                file.write(json.dumps(content).encode())
            draft.place()
        draft = parallel_map.Draft(f"{self._uri}/{COUNTS}/{suffix}{row_profile.ENDING}", self._drafts)
        marks.write(draft.file)
        draft.place()
        return sum(counts.values())


def _expected(path: str, rows: int) -> float:
    """Estimate the number of rows of a file from those of its first block; infinite if unknown."""
    is_text = path.lower().endswith((".csv", ".tsv", ".txt")) and os.path.isfile(path)
    return rows * os.path.getsize(path) / min(BLOCK_BYTES, os.path.getsize(path)) if is_text else math.inf


def _json(left_out: dict[str, int]) -> str:
    """Encode as JSON without backslashes, which `summary.storable` would change: quotes become single."""
    plain = {summary.storable(reason).replace('"', "'"): rows for reason, rows in left_out.items()}
    return json.dumps(plain, ensure_ascii=False)


def _suffix(shard: int, shards: int) -> str:
    return f"{shard:05d}-of-{shards:05d}"


def _records(name: str, suffix: str) -> str:
    """Return the path of a split's shard, relative to the artifact's folder."""
    return f"{manifest.folder(name)}/data_tfrecord-{suffix}.gz"


def _of_shards(uri: str, shards: int, ending: str) -> dict[str, Any]:
    """Read one file of every shard; one that is missing is an error, although the Beam job is DONE."""
    contents = {}
    for suffix in (_suffix(shard, shards) for shard in range(shards)):
        path = f"{uri}/{COUNTS}/{suffix}{ending}"
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            contents[suffix] = json.loads(file.read())
    return contents


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for numbers in counts:
        for name, number in numbers.items():
            totals[name] = totals.get(name, 0) + number
    return totals


def _empty(name: str, plan: planning.Plan, split: Split, left_out: dict[str, int]) -> str:
    """Return why a split is empty and how to fix it."""
    path = plan.files[0].path + (f" and {len(plan.files) - 1} more" if len(plan.files) > 1 else "")
    reason = {
        "column": f"column {split.column!r} names it in no row",
        "files": "its files hold no rows",
    }.get(split.by, "it needs more rows, or a larger share in data.split")
    return f"{path}: split {name!r} has no rows: {reason}{row_filter.sentence(left_out)}"
