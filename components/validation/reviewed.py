"""The gate of the reviewed schema: TFDV's anomalies, the edit that would accept each, and the rows to blame."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.validation.findings import Finding, Predicate, share

_TYPES = {"INT": "INT", "FLOAT": "FLOAT", "STRING": "BYTES", "BYTES": "BYTES"}
"""Statistics' type -> the schema's."""


def describe(anomalies: anomalies_pb2.Anomalies) -> list[str]:
    """Say each anomaly in a line: column, what is wrong and the figures."""
    return [f"column {name!r}: {text}" if name else text for name, text in _said(anomalies)]


def _said(anomalies: anomalies_pb2.Anomalies) -> Iterator[tuple[str, str]]:
    for path, info in sorted(anomalies.anomaly_info.items()):
        reasons = [f"{reason.short_description}: {reason.description}" for reason in info.reason]
        yield path, "; ".join(reasons or [info.description])
    if anomalies.HasField("dataset_anomaly_info"):
        yield "", f"the whole table: {anomalies.dataset_anomaly_info.description}"


def findings(
    anomalies: dict[str, anomalies_pb2.Anomalies], statistics: dict[str, Any], schema: schema_pb2.Schema, shown: str
) -> list[Finding]:
    """Every anomaly, each once for all splits in which it is the same.

    Args:
        anomalies: Split -> TFDV's findings.
        statistics: Split -> DatasetFeatureStatisticsList.
        schema: The reviewed schema.
        shown: Its path, for the edits.
    """
    found: dict[tuple[str, str], Finding] = {}
    features = {feature.name: feature for feature in schema.feature}
    for split, anomaly in anomalies.items():
        measured = by_column(statistics[split])
        for name, text in _said(anomaly):
            if (name, text) not in found:
                kinds = _kinds(anomaly, name)
                feature = features.get(name)
                share_text = _unnamed(schema, feature, measured.get(name), kinds)
                edit = _edit(schema, feature, measured.get(name), name, kinds)
                found[name, text] = Finding(
                    gate="schema",
                    column=name or None,
                    limit="the reviewed schema",
                    measured=text,
                    action="block",
                    text=text + share_text,
                    edit=f"{edit} in {shown}" if edit else "",
                    at_fault=_at_fault(schema, feature, name, kinds),
                )
            found[name, text].splits.append(split)
    return list(found.values())


def by_column(statistics: Any) -> dict[str, Any]:
    """Column -> FeatureNameStatistics."""
    return {feature.path.step[0]: feature for feature in statistics.datasets[0].features if feature.path.step}


def domain(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> list[str] | None:
    """Values that a column's domain names; None where it has none."""
    if feature.HasField("string_domain"):
        return list(feature.string_domain.value)
    if feature.HasField("domain"):
        return next((list(one.value) for one in schema.string_domain if one.name == feature.domain), None)
    return None


def unnamed(values: list[str], measured: Any) -> tuple[list[str], float, float]:
    """Values that are not named, their rows, and all rows with a value; of a column of up to 1,000 values exactly."""
    known = set(values)
    buckets = measured.string_stats.rank_histogram.buckets
    others = [bucket for bucket in buckets if bucket.label not in known]
    every = measured.string_stats.common_stats.num_non_missing
    return [bucket.label for bucket in others], sum(bucket.sample_count for bucket in others), every


def _kinds(anomalies: anomalies_pb2.Anomalies, name: str) -> set[str]:
    if name not in anomalies.anomaly_info:
        return set()
    return {anomalies_pb2.AnomalyInfo.Type.Name(reason.type) for reason in anomalies.anomaly_info[name].reason}


def _unnamed(schema: Any, feature: Any, measured: Any, kinds: set[str]) -> str:
    if "ENUM_TYPE_UNEXPECTED_STRING_VALUES" not in kinds or feature is None:
        return ""
    _, part, whole = unnamed(domain(schema, feature) or [], measured)
    return f" ({part:,.0f} of {whole:,.0f} rows, {share(part, whole)})"


def _edit(schema: Any, feature: Any, measured: Any, name: str, kinds: set[str]) -> str:
    """What to write into the schema; empty where that cannot be told."""
    if not name:
        return ""
    if feature is None or "SCHEMA_NEW_COLUMN" in kinds:
        return f"add {_feature(name, measured)} and name the column in the config" if measured is not None else ""
    if measured is None:
        return f"take the feature {name!r} out, also of the config"
    common = _common(measured)
    edits = []
    kind = _TYPES[statistics_pb2.FeatureNameStatistics.Type.Name(measured.type)]
    if kind != schema_pb2.FeatureType.Name(feature.type):
        edits.append(f"write type: {kind} for {name!r}")
    elif "ENUM_TYPE_UNEXPECTED_STRING_VALUES" in kinds:
        others, part, whole = unnamed(domain(schema, feature) or [], measured)
        words = " ".join(f'value: "{value}"' for value in others[:10])
        where = f"the string_domain {feature.domain!r}" if feature.HasField("domain") else "its string_domain"
        mass = int(1000 * (1 - part / whole)) / 1000
        edits.append(f"add {words} to {where}, or distribution_constraints {{ min_domain_mass: {mass:g} }} to {name!r}")
    elif kinds & {"INT_TYPE_BIG_INT", "INT_TYPE_SMALL_INT", "FLOAT_TYPE_BIG_FLOAT", "FLOAT_TYPE_SMALL_FLOAT"}:
        which = "int_domain" if kind == "INT" else "float_domain"
        has = getattr(feature, which)
        low = f"min: {min(has.min, measured.num_stats.min):g} " if has.HasField("min") else ""
        high = f"max: {max(has.max, measured.num_stats.max):g} " if has.HasField("max") else ""
        edits.append(f"write {which} {{ {low}{high}}} for {name!r}")
    whole = common.num_missing + common.num_non_missing
    if common.num_missing and whole and feature.presence.min_fraction > common.num_non_missing / whole:
        fraction = int(1000 * common.num_non_missing / whole) / 1000
        edits.append(
            f"write presence {{ min_fraction: {fraction:g} min_count: 1 }} and value_count {{ min: 1 max: 1 }} for "
            f"{name!r} (and missing = ... to its role in the config)"
        )
    return "; ".join(edits)


def _feature(name: str, measured: Any) -> str:
    common = _common(measured)
    kind = _TYPES[statistics_pb2.FeatureNameStatistics.Type.Name(measured.type)]
    if common.num_missing:
        fraction = int(1000 * common.num_non_missing / (common.num_missing + common.num_non_missing)) / 1000
        rest = f"presence {{ min_fraction: {fraction:g} min_count: 1 }} value_count {{ min: 1 max: 1 }}"
    else:
        rest = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
    return f'feature {{ name: "{name}" type: {kind} {rest} }}'


def _common(measured: Any) -> Any:
    return measured.string_stats.common_stats if measured.HasField("string_stats") else measured.num_stats.common_stats


def _at_fault(schema: Any, feature: Any, name: str, kinds: set[str]) -> Predicate | None:
    if feature is None or not name:
        return None
    values = domain(schema, feature)
    limits = next((getattr(feature, kind) for kind in ("int_domain", "float_domain") if feature.HasField(kind)), None)

    def find(batch: pa.RecordBatch) -> Any:
        column = batch.column(batch.schema.get_field_index(name))
        found = pc.is_null(column) if feature.presence.min_fraction >= 1 else pa.array([False] * len(column))
        if values is not None and not pa.types.is_null(column.type):
            texts = column.cast(pa.string())
            other = pc.and_(texts.is_valid(), pc.invert(pc.is_in(texts, value_set=pa.array(values, pa.string()))))
            found = pc.or_(found, other)
        if limits is not None and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            numbers = column.cast(pa.float64())
            for key, function in (("min", pc.less), ("max", pc.greater)):
                if limits.HasField(key):
                    found = pc.or_(found, pc.fill_null(function(numbers, float(getattr(limits, key))), False))
        return found

    wanted = any(word in kind for kind in kinds for word in ("BIG", "SMALL", "UNEXPECTED", "PRESENT", "DROPPED"))
    return find if wanted else None
