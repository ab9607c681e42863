"""Fixtures: a store as TFX writes it, created with ml_metadata only."""

import argparse
import gzip
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from tests import memory

Outputs = dict[str, list[pb.Artifact]]
tmp_path = memory.in_memory


class TfxWriter:
    """Writer of contexts, executions, artifacts and events in the order of TFX 1.16's launcher."""

    def __init__(self, path: Path) -> None:
        config = pb.ConnectionConfig()
        config.sqlite.filename_uri = str(path)
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self.store = MetadataStore(config)
        self._types: dict[tuple[str, str], int] = {}
        self._known: dict[tuple[str, str], pb.Context] = {}
        for kind in ("pipeline", "pipeline_run", "node"):
            self.type_id("context", kind)

    def type_id(self, kind: str, name: str) -> int:
        if (kind, name) not in self._types:
            put = getattr(self.store, f"put_{kind}_type")
            self._types[kind, name] = put(getattr(pb, f"{kind.title()}Type")(name=name))
        return self._types[kind, name]

    def context(self, kind: str, name: str, **custom: str) -> pb.Context:
        context = self._known.setdefault((kind, name), pb.Context(type_id=self.type_id("context", kind), name=name))
        for key, value in custom.items():
            context.custom_properties[key].string_value = value
        if custom or not context.id:
            [context.id] = self.store.put_contexts([context])
        return context

    def run(self, run_id: str, *, pipeline: str = "houses", parent: bool = True, **custom: str) -> "TfxRun":
        above = self.context("pipeline", pipeline)
        run = self.context("pipeline_run", run_id, **custom)
        if parent:
            self.store.put_parent_contexts([pb.ParentContext(parent_id=above.id, child_id=run.id)])
        return TfxRun(self, above, run)


class TfxRun:
    def __init__(self, writer: TfxWriter, pipeline: pb.Context, run: pb.Context) -> None:
        self.writer, self.pipeline, self.context = writer, pipeline, run

    def node(
        self,
        node: str,
        *,
        state: str = "COMPLETE",
        inputs: Iterable[tuple[str, int]] = (),
        outputs: Iterable[tuple[str, str]] = (),
        reused: Iterable[tuple[str, int]] = (),
        uri: str | None = None,
        event: str = "OUTPUT",
        facts: Mapping[str, Mapping[str, Any]] | None = None,
        **custom: Any,
    ) -> list[int]:
        """Record an execution of a node, and return its artifacts.

        `outputs` are (key, artifact type), the other lists (key, artifact id); `uri` is the folder of all outputs, or
        with {key} in it that of each; `facts` are their custom properties by key.
        """
        store = self.writer.store
        kind = self.writer.type_id("execution", f"components.{node}.Component")
        execution = pb.Execution(type_id=kind, last_known_state=pb.Execution.RUNNING)
        for key, value in custom.items():
            execution.custom_properties[key].CopyFrom(
                value if isinstance(value, pb.Value) else pb.Value(string_value=value)
            )
        contexts = [self.pipeline, self.context, self.writer.context("node", f"{self.pipeline.name}.{node}")]
        input_artifacts = [(pb.Artifact(), self._event("INPUT", key, 0, id_)) for key, id_ in inputs]
        input_artifacts = [(store.get_artifacts_by_id([event.artifact_id])[0], event) for _, event in input_artifacts]
        execution.id, _, _ = store.put_execution(execution, input_artifacts, contexts)
        if state == "RUNNING":
            return []
        execution.last_known_state = pb.Execution.State.Value(state)
        artifacts = []
        indexes: dict[str, int] = {}
        for key, type_name in outputs:
            index = indexes[key] = indexes.get(key, -1) + 1
            type_id = self.writer.type_id("artifact", type_name)
            artifact = pb.Artifact(
                type_id=type_id,
                uri=(uri or f"/data/{node}/{{key}}/{execution.id}").replace("{key}", key),
                state=pb.Artifact.LIVE,
            )
            artifact.custom_properties["tfx_version"].string_value = "1.16.0"
            for name, value in (facts or {}).get(key, {}).items():
                field = "int_value" if isinstance(value, int) else "string_value"
                setattr(artifact.custom_properties[name], field, value)
            artifacts.append((artifact, self._event(event, key, index)))
        for key, id_ in reused:
            artifacts.append((store.get_artifacts_by_id([id_])[0], self._event(event, key, 0, id_)))
        _, ids, _ = store.put_execution(execution, artifacts, contexts)
        return list(ids)

    def end(self, state: str, **custom: str) -> None:
        self.writer.context("pipeline_run", self.context.name, state=state, **custom)

    @staticmethod
    def _event(kind: str, key: str, index: int, artifact_id: int | None = None) -> pb.Event:
        event = pb.Event(type=pb.Event.Type.Value(kind), artifact_id=artifact_id)
        event.path.steps.add().key = key
        event.path.steps.add().index = index
        return event


@pytest.fixture
def writer(tmp_path: Path) -> TfxWriter:
    """Return a writer of an empty TFX store at tmp_path/metadata.sqlite."""
    return TfxWriter(tmp_path / "metadata.sqlite")


@pytest.fixture
def make_writer() -> Callable[[Path], TfxWriter]:
    return TfxWriter


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Return a function that runs a command on the store under tmp_path, and returns its text or parsed JSON."""
    from inspection import inspect_parser

    def asked(*arguments: object) -> Any:
        parser = argparse.ArgumentParser(prog="inspect")
        inspect_parser.add_arguments(parser)
        assert inspect_parser.run(parser.parse_args([*map(str, arguments), "--root", str(tmp_path)])) == 0
        output = capsys.readouterr().out
        return json.loads(output) if "--json" in arguments else output

    return asked


def _packed(number: int, payload: bytes) -> bytes:
    """Encode a field of up to 16,383 bytes in protobuf's wire format."""
    length = len(payload)
    size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
    return bytes([number << 3 | 2]) + size + payload


def example(**columns: Any) -> bytes:
    """Serialize a tf.Example; test_example_rows.py compares the reader with TensorFlow."""
    entries = b""
    for name, values in columns.items():
        if all(isinstance(value, bytes) for value in values):
            kind, inner = 1, b"".join(_packed(1, value) for value in values)
        elif all(isinstance(value, int) for value in values):
            kind, inner = 3, _packed(1, bytes(values))
        else:
            kind, inner = 2, _packed(1, struct.pack(f"<{len(values)}f", *values))
        feature = _packed(kind, inner) if values else b""
        entries += _packed(1, _packed(1, name.encode()) + _packed(2, feature))
    return _packed(1, entries)


@pytest.fixture
def write_records() -> Callable[[Path, Iterable[bytes]], None]:
    """Write a gzipped TFRecord file with checksums of zero, which the reader ignores."""

    def write(path: Path, records: Iterable[bytes]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wb") as file:
            for record in records:
                file.write(struct.pack("<QI", len(record), 0) + record + bytes(4))

    return write


@pytest.fixture
def write_examples(write_records: Any) -> Callable[[Path, Iterable[Mapping[str, Any]]], None]:
    """Write rows, column -> values, as TFX does."""

    def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        write_records(path / "data_tfrecord-00000-of-00001.gz", [example(**row) for row in rows])

    return write


@pytest.fixture
def write_statistics() -> Callable[..., None]:
    """Write FeatureStats.pb: numbers, name -> (mean, std, bounds of quantiles), and text, name -> value -> count."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    def write(folder: Path, *, rows: int, numbers: Mapping[str, Any], words: Mapping[str, Any]) -> None:
        parsed = statistics_pb2.DatasetFeatureStatisticsList()
        dataset = parsed.datasets.add(num_examples=rows)
        for name, (mean, std, bounds) in numbers.items():
            feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
            feature.path.step.append(name)
            stats = feature.num_stats
            stats.common_stats.num_non_missing = stats.common_stats.tot_num_values = rows
            stats.mean, stats.std_dev, stats.min, stats.max = mean, std, bounds[0], bounds[-1]
            stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
            quantiles = stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
            for low, high in itertools.pairwise(bounds):
                quantiles.buckets.add(low_value=low, high_value=high, sample_count=rows / (len(bounds) - 1))
        for name, counts in words.items():
            feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
            feature.path.step.append(name)
            stats = feature.string_stats
            present = sum(counts.values())
            stats.common_stats.num_non_missing = stats.common_stats.tot_num_values = present
            stats.common_stats.num_missing = rows - present
            stats.unique = len(counts)
            for word, count in counts.items():
                stats.top_values.add(value=word, frequency=count)
                stats.rank_histogram.buckets.add(label=word, sample_count=count)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "FeatureStats.pb").write_bytes(parsed.SerializeToString())

    return write


@pytest.fixture(scope="session")
def thousand_runs() -> Iterator[dict[str, Path]]:
    """Return two read-only stores with a thousand runs, in memory if possible, as commits wait for the disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        roots = {kind: Path(folder) / kind for kind in ("recorded", "stock")}
        for kind, root in roots.items():
            subprocess.run([sys.executable, Path(__file__).with_name("many.py"), root, "1000", kind], check=True)
        yield roots
