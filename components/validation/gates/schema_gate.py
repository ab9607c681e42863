"""The gate of the reviewed schema: TFDV's anomalies, the edit that would accept each, and the rows to blame."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.data_checks import label_problems
from components.ingestion.rows import row_expressions
from components.validation import anomaly_sentences
from components.validation.anomaly_sentences import UNEXPECTED, common, domain
from components.validation.gate_findings import Finding, Predicate
from spec.columns.label import Label

NAMED = 10
"""Values that an edit names."""


def findings(
    anomalies: dict[str, anomalies_pb2.Anomalies],
    statistics: dict[str, Any],
    schema: schema_pb2.Schema,
    shown: str,
    label: Label | None = None,
) -> list[Finding]:
    """What is wrong with each column, once for all splits.

    Args:
        anomalies: Split -> TFDV's findings.
        statistics: Split -> DatasetFeatureStatisticsList.
        schema: The reviewed schema.
        shown: Its path, for the edits.
        label: [label]: a new value of its column is a new class, for the config too.
    """
    features = {feature.name: feature for feature in schema.feature}
    figures = {split: by_column(one) for split, one in statistics.items()}
    splits_of: dict[str, list[str]] = {}
    for split, one in anomalies.items():
        for name in sorted(one.anomaly_info):
            splits_of.setdefault(name, []).append(split)
    found = _whole_table(anomalies, statistics, schema, shown)
    for name, splits in splits_of.items():
        feature = features.get(name)
        kinds = {kind for split in splits for kind, _ in _reasons(anomalies[split], name)}
        measured = [figures[split][name] for split in splits if name in figures[split]]
        edit = _edit(schema, feature, measured, name, kinds)
        edit = f"{edit} in {shown}" if edit else ""
        if label is not None and label.column == name and kinds == {UNEXPECTED}:
            known = [unnamed(domain(schema, feature) or [], one)[0] for one in measured]
            others = sorted({value for values in known for value in values})
            edit = label_problems.accepting(label, others, shown, domain=True, texts=True)
        text = _text(schema, feature, {split: (anomalies[split], figures[split].get(name)) for split in splits}, name)
        found.append(
            Finding(
                gate="schema",
                column=name or None,
                limit="the reviewed schema",
                measured=text,
                action="block",
                text=text,
                edit=edit,
                splits=splits,
                at_fault=_at_fault(schema, feature, name, kinds),
            )
        )
    return found


def by_column(statistics: Any) -> dict[str, Any]:
    """Column -> FeatureNameStatistics."""
    return {feature.path.step[0]: feature for feature in statistics.datasets[0].features if feature.path.step}


def unnamed(values: list[str], measured: Any) -> tuple[list[str], float, float]:
    """Values that are not named, their rows, and all rows with a value; of a column of up to 1,000 values exactly."""
    known = set(values)
    buckets = measured.string_stats.rank_histogram.buckets
    others = [bucket for bucket in buckets if bucket.label not in known]
    every = measured.string_stats.common_stats.num_non_missing
    return [bucket.label for bucket in others], sum(bucket.sample_count for bucket in others), every


def _reasons(anomalies: anomalies_pb2.Anomalies, name: str) -> list[tuple[str, str]]:
    """Kind of each anomaly of a column, and TFDV's own text."""
    info = anomalies.anomaly_info[name]
    found = {_kind(reason.type): reason.description.strip() for reason in info.reason}
    found = found or {_kind(info.type): info.description.strip()}
    return [(kind, found[kind]) for kind in anomaly_sentences.kept(list(found))]


def _kind(number: int) -> str:
    return str(anomalies_pb2.AnomalyInfo.Type.Name(number))


def _text(schema: Any, feature: Any, by_split: Mapping[str, tuple[anomalies_pb2.Anomalies, Any]], name: str) -> str:
    """What is wrong with a column: each kind of anomaly, with the figures of each split where these differ."""
    told: dict[str, dict[str, str]] = {}
    for split, (anomalies, measured) in by_split.items():
        case = None if measured is None else anomaly_sentences.Case(schema, feature or schema_pb2.Feature(), measured)
        for kind, figures in _reasons(anomalies, name):
            told.setdefault(kind, {})[split] = anomaly_sentences.of(kind, case, figures)
    parts = []
    for text_of in told.values():
        alike = set(text_of.values())
        parts.append(alike.pop() if len(alike) == 1 else "; ".join(f"{split}: {one}" for split, one in text_of.items()))
    return "; ".join(parts)


def _whole_table(
    anomalies: Mapping[str, anomalies_pb2.Anomalies], statistics: Mapping[str, Any], schema: Any, shown: str
) -> list[Finding]:
    """What is wrong with the number of rows."""
    limits, found = schema.dataset_constraints, []
    for split, one in anomalies.items():
        if not one.HasField("dataset_anomaly_info"):
            continue
        rows = int(statistics[split].datasets[0].num_examples)
        few = rows < limits.min_examples_count
        key, limit = ("min", limits.min_examples_count) if few else ("max", limits.max_examples_count)
        text, edit = f"{rows:,} rows, the schema {'needs' if few else 'allows'} {limit:,}", ""
        if few or (limit and rows > limit):
            edit = f"dataset_constraints {{ {key}_examples_count: {rows} }} in {shown}"
        else:
            text = one.dataset_anomaly_info.description
        found.append(Finding("schema", None, "the reviewed schema", text, "block", text, edit, [split]))
    return found


def _edit(schema: Any, feature: Any, measured: list[Any], name: str, kinds: set[str]) -> str:
    """What to write into the schema, so that every split is accepted; empty where that cannot be told."""
    if not name:
        return ""
    if feature is None or "SCHEMA_NEW_COLUMN" in kinds:
        return f"add {_feature(name, measured)} and name the column in the config" if measured else ""
    if not measured:
        return f"take the feature {name!r} out, also of the config"
    edits = []
    kind = _type(measured)
    if kind != schema_pb2.FeatureType.Name(feature.type):
        edits.append(f"write type: {kind} for {name!r}")
    elif UNEXPECTED in kinds:
        found = [unnamed(domain(schema, feature) or [], one) for one in measured]
        others = dict.fromkeys(value for values, _, _ in found for value in values)
        words = " ".join(f'value: "{value}"' for value in list(others)[:NAMED])
        where = f"the string_domain {feature.domain!r}" if feature.HasField("domain") else "its string_domain"
        mass = int(1000 * min(1 - part / whole for _, part, whole in found if whole)) / 1000
        edits.append(f"add {words} to {where}, or distribution_constraints {{ min_domain_mass: {mass:g} }} to {name!r}")
    elif kinds & {"INT_TYPE_BIG_INT", "INT_TYPE_SMALL_INT", "FLOAT_TYPE_BIG_FLOAT", "FLOAT_TYPE_SMALL_FLOAT"}:
        which = "int_domain" if kind == "INT" else "float_domain"
        has, ends = getattr(feature, which), [one.num_stats for one in measured]
        low = f"min: {min(has.min, *(one.min for one in ends)):g} " if has.HasField("min") else ""
        high = f"max: {max(has.max, *(one.max for one in ends)):g} " if has.HasField("max") else ""
        edits.append(f"write {which} {{ {low}{high}}} for {name!r}")
    fraction = _filled(measured)
    if feature.presence.min_fraction > fraction:
        edits.append(
            f"write presence {{ min_fraction: {fraction:g} min_count: 1 }} and value_count {{ min: 1 max: 1 }} for "
            f"{name!r} (and missing = ... to its role in the config)"
        )
    return "; ".join(edits)


def _feature(name: str, measured: list[Any]) -> str:
    fraction = _filled(measured)
    if fraction < 1:
        rest = f"presence {{ min_fraction: {fraction:g} min_count: 1 }} value_count {{ min: 1 max: 1 }}"
    else:
        rest = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
    return f'feature {{ name: "{name}" type: {_type(measured)} {rest} }}'


def _type(measured: list[Any]) -> str:
    """The schema's type that takes the values of every split."""
    kinds = {anomaly_sentences.kind_of(one) for one in measured}
    return next(kind for kind in ("BYTES", "FLOAT", "INT") if kind in kinds)


def _filled(measured: list[Any]) -> float:
    """Share of the rows with a value in the split that has the fewest, rounded down."""
    found = [common(one) for one in measured]
    shares = [one.num_non_missing / (one.num_missing + one.num_non_missing) for one in found if one.num_missing]
    return int(1000 * min(shares, default=1.0)) / 1000


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
            for key, function in (("min", "less"), ("max", "greater")):
                if limits.HasField(key):
                    out = getattr(pc, function)(*row_expressions.comparable(column, getattr(limits, key)))
                    found = pc.or_(found, pc.fill_null(out, False))
        return found

    wanted = any(word in kind for kind in kinds for word in ("BIG", "SMALL", "UNEXPECTED", "PRESENT", "DROPPED"))
    return find if wanted else None
