"""Drift and skew: the train split against that of another run and against served rows, by TFDV's own comparators."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

from components.ingestion import files, sources
from components.statistics.executor import generators, proto
from components.validation.findings import Finding, toml_key
from components.validation.reviewed import by_column
from components.validation.today import TRAIN, Before, Today, rows

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
    there = set(by_column(now)) & set(by_column(other.train))
    schema = schema_pb2.Schema()
    for column in today.settings["columns"]["compared"]:
        feature = today.feature(column)
        if column in there and feature is not None:
            schema.feature.append(_with_limit(feature, f"{name}_comparator", gate))
    if not schema.feature:
        return
    argument = {"drift": "previous_statistics", "skew": "serving_statistics"}[name]
    found = tfdv.validate_statistics(now, schema, **{argument: other.train})
    for info in found.drift_skew_info:
        column = info.path.step[0]
        for measured in info.drift_measurements if name == "drift" else info.skew_measurements:
            if measured.value <= measured.threshold:
                continue
            key = "infinity_norm" if measured.Type.Name(measured.type) == "L_INFTY" else "jensen_shannon_divergence"
            limit = float(np.ceil(measured.value * 1000) / 1000)
            most = _most(found, column)
            yield Finding(
                name,
                column,
                measured.threshold,
                measured.value,
                today.action(name),
                f"{DISTANCES[key]} {measured.value:.4g} from {other.shown}, above the limit of "
                f"{measured.threshold:g}{most}",
                edit=f"gates.{name}.columns.{toml_key(column)} = {limit:g} in the config, or {name}_comparator "
                f"{{ {key} {{ threshold: {limit:g} }} }} for {column!r} in {today.settings['schema']}",
                splits=[TRAIN],
            )


def _with_limit(feature: schema_pb2.Feature, comparator: str, gate: dict[str, Any]) -> schema_pb2.Feature:
    """A column with its comparator: the schema's own, or the gate's. Other rules are looked at elsewhere."""
    made = schema_pb2.Feature(name=feature.name, type=feature.type)
    if feature.HasField(comparator):
        getattr(made, comparator).CopyFrom(getattr(feature, comparator))
        return made
    key = "infinity_norm" if feature.type == schema_pb2.BYTES else "jensen_shannon_divergence"
    default = gate["categories"] if key == "infinity_norm" else gate["numbers"]
    getattr(getattr(made, comparator), key).threshold = gate["columns"].get(feature.name, default)
    return made


def _most(anomalies: Any, column: str) -> str:
    """The value whose share differs most, as TFDV names it."""
    reasons = anomalies.anomaly_info[column].reason if column in anomalies.anomaly_info else ()
    for reason in reasons:
        named = re.search(r"maximum difference is: (.*)", reason.description, re.S)
        if named:
            return f", most of all {named[1]!r}"
    return ""


def measure(paths: Any, today: Today) -> Any:
    """Statistics of served rows, which hold no label.

    Args:
        paths: Files, as data.path names them.
        today: For the settings of ingestion.

    Returns:
        DatasetFeatureStatisticsList.

    Raises:
        UserError: a file cannot be read.
    """
    source = today.settings["source"]
    data = {**source["data"], "span": None, "window": None}
    found = [file.path for file in files.resolve(paths, data)]
    looks = sources.types(found, data, source["columns"])
    made = generators()
    accumulators = [generator.create_accumulator() for generator in made]
    for path in found:
        for batch in sources.source(path, data).batches(path, data, looks):
            lists = _as_lists(batch)
            accumulators = [
                generator.add_input(accumulator, lists)
                for generator, accumulator in zip(made, accumulators, strict=True)
            ]
    return proto([generator.compact(part) for generator, part in zip(made, accumulators, strict=True)])


def _as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Cells as lists of one value, as decoded tf.Examples are; a missing one as no list."""
    columns: list[pa.Array] = []
    names: Sequence[str] = batch.schema.names
    for column in batch.columns:
        column = column.cast(pa.binary()) if pa.types.is_string(column.type) else column
        there = column.is_valid().to_numpy(zero_copy_only=False)
        ends = np.concatenate([[0], np.cumsum(there)]).astype(np.int32)
        # A null in the offsets makes a null of the list that begins there.
        offsets = pa.array(ends, pa.int32(), mask=np.concatenate([~there, [False]]))
        columns.append(pa.ListArray.from_arrays(offsets, column.drop_null()))
    return pa.RecordBatch.from_arrays(columns, list(names))
