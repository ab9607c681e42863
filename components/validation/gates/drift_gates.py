"""Drift and skew: the train split against that of another run and against served rows."""

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.ingestion import sources
from components.ingestion.discovery import data_files, empty_files
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.omissions import Omissions
from components.statistics.executor import as_list, generators, proto
from components.validation.gate_context import TRAIN, Before, Today, rows
from components.validation.gate_findings import Finding, toml_key, up
from components.validation.gates import divergence
from components.validation.gates.schema_gate import by_column

DISTANCES = {"infinity_norm": "L-infinity distance", "jensen_shannon_divergence": "Jensen-Shannon divergence"}
"""Comparator of a schema -> what it measures."""


def drift(today: Today) -> Iterator[Finding]:
    """The train split against that of an earlier run."""
    if today.before:
        yield from _compared(today, "drift", today.before[0])


def skew(today: Today) -> Iterator[Finding]:
    """The train split against served rows."""
    if today.settings["skew"]:
        served = measure(today.settings["skew"], today)
        yield from _compared(today, "skew", Before(rows(served), served, "what was served"))


def _compared(today: Today, name: str, other: Before) -> Iterator[Finding]:
    gate, now = today.gate(name), today.statistics[TRAIN]
    if min(rows(now), rows(other.train)) < gate["min_rows"]:
        return
    old, new = by_column(other.train), by_column(now)
    for column in today.settings["columns"]["compared"]:
        feature = today.feature(column)
        if feature is None or column not in old or column not in new:
            continue
        key = "infinity_norm" if feature.type == schema_pb2.BYTES else "jensen_shannon_divergence"
        limit = _limit(feature, f"{name}_comparator", key, gate)
        measured, most = (_texts if key == "infinity_norm" else _numbers)(column, old[column], new[column])
        if measured <= limit:
            continue
        accepted = up(measured)
        yield Finding(
            name,
            column,
            limit,
            measured,
            today.action(name),
            f"{DISTANCES[key]} {measured:.4g} from {other.shown}, above the limit of {limit:g}{most}",
            edit=f"gates.{name}.columns.{toml_key(column)} = {accepted:g} in the config, or {name}_comparator "
            f"{{ {key} {{ threshold: {accepted:g} }} }} for {column!r} in {today.settings['schema']}",
            splits=[TRAIN],
        )


def _limit(feature: schema_pb2.Feature, comparator: str, key: str, gate: dict[str, Any]) -> float:
    """The schema's own limit for a column, else the gate's."""
    if feature.HasField(comparator) and getattr(feature, comparator).HasField(key):
        return float(getattr(getattr(feature, comparator), key).threshold)
    default = gate["categories"] if key == "infinity_norm" else gate["numbers"]
    return float(gate["columns"].get(feature.name, default))


def _numbers(column: str, old: Any, new: Any) -> tuple[float, str]:
    return divergence.jensen_shannon(old, new) or 0.0, ""


def _texts(column: str, old: Any, new: Any) -> tuple[float, str]:
    """TFDV's own distance, and the value whose share differs most."""
    schema = schema_pb2.Schema()
    schema.feature.add(name=column, type=schema_pb2.BYTES).drift_comparator.infinity_norm.threshold = 0.0
    found = tfdv.validate_statistics(_alone(new), schema, previous_statistics=_alone(old))
    measured = [one.value for info in found.drift_skew_info for one in info.drift_measurements]
    reasons = found.anomaly_info[column].reason if column in found.anomaly_info else ()
    named = [re.search(r"maximum difference is: (.*)", reason.description, re.S) for reason in reasons]
    most = next((f", most of all {match[1]!r}" for match in named if match), "")
    return max(measured, default=0.0), most


def _alone(figures: Any) -> Any:
    """Statistics of one column."""
    made = statistics_pb2.DatasetFeatureStatisticsList()
    common = figures.string_stats.common_stats
    made.datasets.add(num_examples=common.num_missing + common.num_non_missing).features.append(figures)
    return made


def measure(paths: Any, today: Today) -> Any:
    """Statistics of served rows, which hold no label.

    Args:
        paths: Files, as data.path names them.
        today: For the settings of ingestion.

    Returns:
        DatasetFeatureStatisticsList.

    Raises:
        UserError: a file cannot be read.
        ResourceError: they are not, or no longer, those that the digest among the settings is of.
    """
    source = IngestionSettings.model_validate(today.settings["source"])
    data = source.data.model_copy(update={"span": None, "window": None})
    there = data_files.resolve(paths, data)
    found = [file.path for file in empty_files.without(there, data, Omissions())]
    looks = sources.types(found, data, source.columns)
    made = generators()
    accumulators = [generator.create_accumulator() for generator in made]
    for path in found:
        for batch in sources.reader(path, data).batches(path, data, looks):
            lists = _as_lists(batch)
            accumulators = [
                generator.add_input(accumulator, lists)
                for generator, accumulator in zip(made, accumulators, strict=True)
            ]
    data_files.verify(there, today.settings["skew_content"])
    return proto([generator.compact(part) for generator, part in zip(made, accumulators, strict=True)])


def _as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Cells as lists of one value, as decoded tf.Examples are; a missing one as no list."""
    columns = [as_list(each.cast(pa.binary()) if pa.types.is_string(each.type) else each) for each in batch.columns]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)
