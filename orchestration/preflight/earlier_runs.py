"""Statistics of earlier runs that the gates of the next run would compare its data with, from ML Metadata."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from components.validation import passed_statistics
from components.validation.gate_context import TRAIN, PreviousRun, by_column, row_count
from errors import PipelineError, UserError
from inspection.read import column_statistics
from inspection.store import artifact_files
from inspection.store.metadata_store import PIPELINE_CONTEXT, open_store
from orchestration.paths import Root

_CLOSE = 1e-6
"""Maximum relative difference of two means of the same numbers, which may be summed in another order."""


@dataclass(frozen=True)
class _Artifact:
    """An artifact of ML Metadata with the attributes of a TFX artifact that `passed_statistics` reads."""

    proto: Any

    @property
    def id(self) -> int:
        return int(self.proto.id)

    @property
    def uri(self) -> str:
        return str(self.proto.uri)

    @property
    def span(self) -> int:
        return int(self.proto.properties["span"].int_value) if "span" in self.proto.properties else 0

    def get_int_custom_property(self, name: str) -> int:
        return int(self.proto.custom_properties[name].int_value) if name in self.proto.custom_properties else 0


@dataclass(frozen=True)
class _Candidate:
    """The data of the next run, which has no artifact yet."""

    span: int
    id: int = -1


def read(
    root: str, pipeline: str, metadata: str | None, *, statistics: Mapping[str, Any], span: int, unit: str, runs: int
) -> list[PreviousRun]:
    """Read the statistics that the next run would be compared with, nearest first; empty without a store.

    Args:
        root: Folder of all runs.
        pipeline: Name of the pipeline.
        metadata: URL of the store; None for SQLite under the root.
        statistics: Split -> statistics of the data, DatasetFeatureStatisticsList.
        span: Its span; 0 if it has none.
        unit: What spans count; see `span_names.shown`.
        runs: Maximum number of runs.

    Raises:
        ResourceError: the store cannot be read.
    """
    try:
        store = open_store(root, metadata)
    except UserError:  # no store yet, or an invalid URL, which the check of the store names
        return []
    pipeline_context = store.context(PIPELINE_CONTEXT, pipeline)
    if pipeline_context is None:
        return []
    artifacts: dict[str, list[_Artifact]] = {"ExampleStatistics": [], "ExampleAnomalies": [], "Model": []}
    for proto in store.mlmd.get_artifacts_by_context(pipeline_context.id):
        if proto.type in artifacts and proto.state == pb.Artifact.LIVE:
            store.relocation.artifact(proto)
            artifacts[proto.type].append(_Artifact(proto))
    passed = passed_statistics.select(
        store.mlmd,
        _Candidate(span),
        {
            "statistics": artifacts["ExampleStatistics"],
            "anomalies": artifacts["ExampleAnomalies"],
            "model": artifacts["Model"],
        },
        is_same=_is_same(statistics),
        serving=Root(os.path.abspath(root)).serving(pipeline),
    )
    return list(_previous(passed[:runs], span, unit))


def _previous(artifacts: list[_Artifact], span: int, unit: str) -> Iterator[PreviousRun]:
    for artifact in artifacts:
        protos = _splits(artifact)
        if TRAIN in protos:
            name = passed_statistics.name(artifact.span, span, unit)
            yield PreviousRun(sum(map(row_count, protos.values())), protos[TRAIN], name)


def _splits(artifact: _Artifact) -> dict[str, Any]:
    """Read the statistics of each split; empty if a file is gone or damaged, as in a run."""
    try:
        folders = artifact_files.splits(artifact_files.folder(artifact.uri, "the statistics"))
        return {split: column_statistics.proto(folder) for split, folder in folders.items()}
    except PipelineError:
        return {}


def _is_same(statistics: Mapping[str, Any]) -> Callable[[_Artifact], bool]:
    """Return a function that returns whether stored statistics are those of the same rows.

    A run compares digests of the files instead, which do not exist here.
    """
    current = {
        split: (row_count(statistics_of_split), by_column(statistics_of_split))
        for split, statistics_of_split in statistics.items()
    }

    def compare(artifact: _Artifact) -> bool:
        stored = _splits(artifact)
        if {split: row_count(statistics_of_split) for split, statistics_of_split in stored.items()} != {
            split: rows for split, (rows, _) in current.items()
        }:
            return False
        for split, (_, columns) in current.items():
            stored_columns = by_column(stored[split])
            if set(stored_columns) != set(columns) or not all(
                _equal(columns[name], stored_columns[name]) for name in columns
            ):
                return False
        return True

    return compare


def _equal(column: Any, other_column: Any) -> bool:
    if column.HasField("string_stats") != other_column.HasField("string_stats"):
        return False
    if column.HasField("string_stats"):
        counts = [
            {entry.label: entry.sample_count for entry in statistics.string_stats.rank_histogram.buckets}
            for statistics in (column, other_column)
        ]
        # If values with equal counts are cut off after the last listed one, any of them may be listed.
        return column.string_stats.unique == other_column.string_stats.unique and (
            counts[0] == counts[1] or _is_cut(column)
        )
    numbers, other_numbers = column.num_stats, other_column.num_stats
    return (
        numbers.common_stats.num_missing == other_numbers.common_stats.num_missing
        and (numbers.min, numbers.max, numbers.num_zeros)
        == (other_numbers.min, other_numbers.max, other_numbers.num_zeros)
        and (
            math.isclose(numbers.mean, other_numbers.mean, rel_tol=_CLOSE, abs_tol=_CLOSE)
            or not math.isfinite(other_numbers.mean)
        )
    )


def _is_cut(figures: Any) -> bool:
    return bool(figures.string_stats.unique > len(figures.string_stats.rank_histogram.buckets))
