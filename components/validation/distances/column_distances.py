"""Distances between the columns of two data sets, for the gates on drift and skew."""

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.ingestion import sources
from components.ingestion.discovery import data_files, empty_files
from components.ingestion.omissions import Omissions
from components.statistics.executor import as_list, generators, proto
from components.validation.distances import binary_label, divergence
from components.validation.gate_context import TRAIN, GateContext, PreviousRun, by_column, row_count
from components.validation.gate_findings import Finding, round_up, toml_key
from components.validation.gates import drift_gate

DISTANCES = {"infinity_norm": "L-infinity distance", "jensen_shannon_divergence": "Jensen-Shannon divergence"}
"""Comparator of a schema -> what it measures."""


def compare(context: GateContext, gate: str, settings: drift_gate.Settings, other: PreviousRun) -> Iterator[Finding]:
    """Compare each column of the train split with the same column of other rows.

    Args:
        context: This run.
        gate: drift or skew.
        settings: Its limits; a comparator in the schema takes precedence.
        other: The other rows.
    """
    train = context.statistics[TRAIN]
    if min(row_count(train), row_count(other.train)) < settings.min_rows:
        return
    before, after = by_column(other.train), by_column(train)
    for column in context.columns.compared:
        feature = context.feature(column)
        if feature is None or column not in before or column not in after:
            continue
        is_text = feature.type == schema_pb2.BYTES
        shares = None
        if column == context.label.column and context.label.task == "binary" and not _has_divergence(feature, gate):
            shares = binary_label.shares(context.label, before[column], after[column])
        key = "infinity_norm" if is_text or shares else "jensen_shannon_divergence"
        default = settings.label if shares else settings.categories if is_text else settings.numbers
        limit = _limit(feature, f"{gate}_comparator", key, settings.columns.get(feature.name, default))
        if shares:
            distance, note = shares.distance, shares.note
        elif is_text:
            distance, note = _infinity_norm(column, before[column], after[column])
        else:
            distance, note = divergence.jensen_shannon(before[column], after[column]) or 0.0, ""
        if distance <= limit:
            continue
        accepted = round_up(distance)
        yield Finding(
            column,
            limit,
            distance,
            f"{DISTANCES[key]} {distance:.4g} from {other.name}, above the limit of {limit:g}{note}",
            edit=f"gates.{gate}.columns.{toml_key(column)} = {accepted:g} in the config, or {gate}_comparator "
            f"{{ {key} {{ threshold: {accepted:g} }} }} for {column!r} in {context.schema_path}",
            splits=[TRAIN],
        )


def _limit(feature: schema_pb2.Feature, comparator: str, key: str, default: float) -> float:
    """Return the schema's own limit of a column, else the gate's."""
    if feature.HasField(comparator) and getattr(feature, comparator).HasField(key):
        return float(getattr(getattr(feature, comparator), key).threshold)
    return float(default)


def _has_divergence(feature: schema_pb2.Feature, gate: str) -> bool:
    """Return whether the schema limits the Jensen-Shannon divergence of a column."""
    comparator = f"{gate}_comparator"
    return feature.HasField(comparator) and bool(getattr(feature, comparator).HasField("jensen_shannon_divergence"))


def _infinity_norm(column: str, before: Any, after: Any) -> tuple[float, str]:
    """Return TFDV's own distance, and which value's share differs most."""
    schema = schema_pb2.Schema()
    schema.feature.add(name=column, type=schema_pb2.BYTES).drift_comparator.infinity_norm.threshold = 0.0
    anomalies = tfdv.validate_statistics(_single_column(after), schema, previous_statistics=_single_column(before))
    measured = [one.value for info in anomalies.drift_skew_info for one in info.drift_measurements]
    reasons = anomalies.anomaly_info[column].reason if column in anomalies.anomaly_info else ()
    values = [re.search(r"maximum difference is: (.*)", reason.description, re.S) for reason in reasons]
    note = next((f"; the share of {match[1]!r} differs most" for match in values if match), "")
    return max(measured, default=0.0), note


def _single_column(figures: Any) -> Any:
    """Return statistics of one column as a DatasetFeatureStatisticsList."""
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    common = figures.string_stats.common_stats
    statistics.datasets.add(num_examples=common.num_missing + common.num_non_missing).features.append(figures)
    return statistics


def served_statistics(context: GateContext) -> Any:
    """Compute statistics of the served rows, which have no label.

    Returns:
        DatasetFeatureStatisticsList.

    Raises:
        UserError: A file cannot be read.
        ResourceError: The files have changed since their digest was taken.
    """
    data = context.ingestion.data.model_copy(update={"span": None, "window": None})
    files = data_files.resolve(context.served_paths, data)
    paths = [file.path for file in empty_files.without(files, data, Omissions())]
    types = sources.types(paths, data, context.ingestion.columns)
    combiners = generators()
    accumulators = [combiner.create_accumulator() for combiner in combiners]
    for path in paths:
        for batch in sources.reader(path, data).batches(path, data, types):
            lists = as_lists(batch)
            accumulators = [
                combiner.add_input(accumulator, lists)
                for combiner, accumulator in zip(combiners, accumulators, strict=True)
            ]
    data_files.verify(files, context.served_content)
    return proto([combiner.compact(accumulator) for combiner, accumulator in zip(combiners, accumulators, strict=True)])


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return columns as lists of one value, the form of decoded tf.Examples; null becomes a null list."""
    columns = [
        as_list(column.cast(pa.binary()) if pa.types.is_string(column.type) else column) for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)
