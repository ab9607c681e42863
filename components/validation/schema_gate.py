"""Findings for differences from the approved schema: TFDV's anomalies, the edit that accepts each, and the rows."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.data_checks import label_problems
from components.ingestion.rows import row_expressions
from components.validation import anomaly_sentences
from components.validation.anomaly_sentences import UNEXPECTED, common, domain, unlisted_values
from components.validation.gate_context import by_column
from components.validation.gate_findings import Finding, Predicate
from spec.columns.label import Label

GATE = "schema"
LIMIT = "the approved schema"
NAMED = 10
"""Values that an edit names."""
_OUT_OF_RANGE = {"INT_TYPE_BIG_INT", "INT_TYPE_SMALL_INT", "FLOAT_TYPE_BIG_FLOAT", "FLOAT_TYPE_SMALL_FLOAT"}
_OF_ROWS = ("BIG", "SMALL", "UNEXPECTED", "PRESENT", "DROPPED")
"""Parts of the types of anomalies that single rows cause."""


def findings(
    anomalies: Mapping[str, anomalies_pb2.Anomalies],
    statistics: Mapping[str, Any],
    schema: schema_pb2.Schema,
    schema_path: str,
    label: Label | None = None,
) -> list[Finding]:
    """Describe the anomalies of each column, once for all splits.

    Args:
        anomalies: Split -> TFDV's anomalies.
        statistics: Split -> DatasetFeatureStatisticsList.
        schema: The approved schema.
        schema_path: Path of the schema, for the edits.
        label: [label]: a new value of its column is a new class, so that the config needs an edit too.
    """
    features = {feature.name: feature for feature in schema.feature}
    figures = {split: by_column(of_split) for split, of_split in statistics.items()}
    splits_of: dict[str, list[str]] = {}
    for split, of_split in anomalies.items():
        for name in sorted(of_split.anomaly_info):
            splits_of.setdefault(name, []).append(split)
    results = _row_counts(anomalies, statistics, schema, schema_path)
    for name, splits in splits_of.items():
        feature = features.get(name)
        kinds = {kind for split in splits for kind, _ in _reasons(anomalies[split], name)}
        measured = [figures[split][name] for split in splits if name in figures[split]]
        edit = _edit(schema, feature, measured, name, kinds)
        edit = f"{edit} in {schema_path}" if edit else ""
        if label is not None and label.column == name and kinds == {UNEXPECTED}:
            unlisted = [unlisted_values(domain(schema, feature) or [], of_split)[0] for of_split in measured]
            new_classes = sorted({value for values in unlisted for value in values})
            edit = label_problems.accepting(label, new_classes, schema_path, domain=True, texts=True)
        text = _text(schema, feature, {split: (anomalies[split], figures[split].get(name)) for split in splits}, name)
        results.append(
            Finding(
                column=name or None,
                limit=LIMIT,
                measured=text,
                text=text,
                edit=edit,
                splits=splits,
                at_fault=_at_fault(schema, feature, name, kinds),
                action="block",
                gate=GATE,
            )
        )
    return results


def _reasons(anomalies: anomalies_pb2.Anomalies, name: str) -> list[tuple[str, str]]:
    """Return type and TFDV's description of each anomaly of a column."""
    info = anomalies.anomaly_info[name]
    descriptions = {_kind(reason.type): reason.description.strip() for reason in info.reason}
    descriptions = descriptions or {_kind(info.type): info.description.strip()}
    return [(kind, descriptions[kind]) for kind in anomaly_sentences.without_consequences(list(descriptions))]


def _kind(number: int) -> str:
    return str(anomalies_pb2.AnomalyInfo.Type.Name(number))


def _text(schema: Any, feature: Any, by_split: Mapping[str, tuple[anomalies_pb2.Anomalies, Any]], name: str) -> str:
    """Describe each type of anomaly of a column, by split if the splits differ."""
    sentences: dict[str, dict[str, str]] = {}
    for split, (anomalies, measured) in by_split.items():
        case = None if measured is None else anomaly_sentences.Case(schema, feature or schema_pb2.Feature(), measured)
        for kind, description in _reasons(anomalies, name):
            sentences.setdefault(kind, {})[split] = anomaly_sentences.sentence(kind, case, description)
    parts = []
    for sentence_of in sentences.values():
        distinct = set(sentence_of.values())
        if len(distinct) == 1:
            parts.append(distinct.pop())
        else:
            parts.append("; ".join(f"{split}: {sentence}" for split, sentence in sentence_of.items()))
    return "; ".join(parts)


def _row_counts(
    anomalies: Mapping[str, anomalies_pb2.Anomalies], statistics: Mapping[str, Any], schema: Any, schema_path: str
) -> list[Finding]:
    """Describe anomalies of the number of rows of a split."""
    limits, results = schema.dataset_constraints, []
    for split, of_split in anomalies.items():
        if not of_split.HasField("dataset_anomaly_info"):
            continue
        rows = int(statistics[split].datasets[0].num_examples)
        is_low = rows < limits.min_examples_count
        key, limit = ("min", limits.min_examples_count) if is_low else ("max", limits.max_examples_count)
        text, edit = f"{rows:,} rows, the schema {'requires' if is_low else 'allows'} {limit:,}", ""
        if is_low or (limit and rows > limit):
            edit = f"dataset_constraints {{ {key}_examples_count: {rows} }} in {schema_path}"
        else:
            text = of_split.dataset_anomaly_info.description
        results.append(Finding(None, LIMIT, text, text, edit, [split], action="block", gate=GATE))
    return results


def _edit(schema: Any, feature: Any, measured: list[Any], name: str, kinds: set[str]) -> str:
    """Return the change of the schema that accepts every split; empty if unknown."""
    if not name:
        return ""
    if feature is None or "SCHEMA_NEW_COLUMN" in kinds:
        return f"name the column in the config, and add {_feature(name, measured)}" if measured else ""
    if not measured:
        return f"remove {name!r} from the config, and its feature"
    edits = []
    kind = _type(measured)
    if kind != schema_pb2.FeatureType.Name(feature.type):
        edits.append(f"write type: {kind} for {name!r}")
    elif UNEXPECTED in kinds:
        edits.append(_domain_edit(schema, feature, measured, name))
    elif kinds & _OUT_OF_RANGE:
        domain_key = "int_domain" if kind == "INT" else "float_domain"
        limits, ranges = getattr(feature, domain_key), [of_split.num_stats for of_split in measured]
        low = f"min: {min(limits.min, *(statistics.min for statistics in ranges)):g} " if limits.HasField("min") else ""
        high = (
            f"max: {max(limits.max, *(statistics.max for statistics in ranges)):g} " if limits.HasField("max") else ""
        )
        edits.append(f"write {domain_key} {{ {low}{high}}} for {name!r}")
    fraction = _min_present(measured)
    if feature.presence.min_fraction > fraction:
        edits.append(
            f"add missing = ... to its role in the config, and write presence {{ min_fraction: {fraction:g} "
            f"min_count: 1 }} and value_count {{ min: 1 max: 1 }} for {name!r}"
        )
    return "; ".join(edits)


def _domain_edit(schema: Any, feature: Any, measured: list[Any], name: str) -> str:
    """Return the change of a column's domain that accepts its values."""
    unlisted = [unlisted_values(domain(schema, feature) or [], of_split) for of_split in measured]
    values = dict.fromkeys(value for of_split, _, _ in unlisted for value in of_split)
    additions = " ".join(f'value: "{value}"' for value in list(values)[:NAMED])
    domain_text = f"the string_domain {feature.domain!r}" if feature.HasField("domain") else "its string_domain"
    mass = int(1000 * min(1 - rows / total for _, rows, total in unlisted if total)) / 1000
    return f"add {additions} to {domain_text}, or distribution_constraints {{ min_domain_mass: {mass:g} }} to {name!r}"


def _feature(name: str, measured: list[Any]) -> str:
    """Return the schema's entry for a new column."""
    fraction = _min_present(measured)
    if fraction < 1:
        constraints = f"presence {{ min_fraction: {fraction:g} min_count: 1 }} value_count {{ min: 1 max: 1 }}"
    else:
        constraints = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
    return f'feature {{ name: "{name}" type: {_type(measured)} {constraints} }}'


def _type(measured: list[Any]) -> str:
    """Return the schema type that holds the values of every split."""
    kinds = {anomaly_sentences.kind_of(of_split) for of_split in measured}
    return next(kind for kind in ("BYTES", "FLOAT", "INT") if kind in kinds)


def _min_present(measured: list[Any]) -> float:
    """Return the share of rows with a value in the split with the most nulls, rounded down."""
    counts = [common(of_split) for of_split in measured]
    shares = [
        statistics.num_non_missing / (statistics.num_missing + statistics.num_non_missing)
        for statistics in counts
        if statistics.num_missing
    ]
    return int(1000 * min(shares, default=1.0)) / 1000


def _at_fault(schema: Any, feature: Any, name: str, kinds: set[str]) -> Predicate | None:
    """Return a function that marks the invalid rows of a column; None if no single row is."""
    if feature is None or not name or not any(part in kind for kind in kinds for part in _OF_ROWS):
        return None
    values = domain(schema, feature)
    limits = next((getattr(feature, kind) for kind in ("int_domain", "float_domain") if feature.HasField(kind)), None)

    def mark(batch: pa.RecordBatch) -> Any:
        column = batch.column(batch.schema.get_field_index(name))
        invalid = pc.is_null(column) if feature.presence.min_fraction >= 1 else pa.array([False] * len(column))
        if values is not None and not pa.types.is_null(column.type):
            text = column.cast(pa.string())
            is_unlisted = pc.and_(text.is_valid(), pc.invert(pc.is_in(text, value_set=pa.array(values, pa.string()))))
            invalid = pc.or_(invalid, is_unlisted)
        if limits is not None and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            for key, function in (("min", "less"), ("max", "greater")):
                if limits.HasField(key):
                    is_beyond = getattr(pc, function)(*row_expressions.comparable(column, getattr(limits, key)))
                    invalid = pc.or_(invalid, pc.fill_null(is_beyond, False))
        return invalid

    return mark
