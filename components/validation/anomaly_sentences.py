"""Sentences for the anomalies that TFDV finds in a column."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.data_checks import schema_mismatches

UNEXPECTED = "ENUM_TYPE_UNEXPECTED_STRING_VALUES"
TYPES = {"INT": "INT", "FLOAT": "FLOAT", "STRING": "BYTES", "BYTES": "BYTES"}
"""Type in statistics -> type in the schema."""


@dataclass(frozen=True)
class Case:
    """One column of one split.

    Attributes:
        schema: The approved schema.
        feature: The column's entry in it.
        measured: The column's FeatureNameStatistics.
    """

    schema: schema_pb2.Schema
    feature: schema_pb2.Feature
    measured: Any


def sentence(kind: str, case: Case | None, description: str) -> str:
    """Describe an anomaly.

    Args:
        kind: TFDV's name of its type.
        case: The column; None unless both schema and statistics have it.
        description: TFDV's own text, for other types.
    """
    if kind in FIXED:
        return FIXED[kind]
    if case is not None and kind in MEASURED:
        return MEASURED[kind](case)
    name = kind.lower().replace("_", " ")
    return f"{name}: {description}" if description else name


def without_consequences(kinds: Sequence[str]) -> list[str]:
    """Return types of a column's anomalies without those that follow from another one."""
    consequences = {consequence for kind in kinds for consequence in CONSEQUENCES.get(kind, ())}
    return [kind for kind in dict.fromkeys(kinds) if kind not in consequences]


def kind_of(measured: Any) -> str:
    """Return the schema type of the values of FeatureNameStatistics."""
    return TYPES[statistics_pb2.FeatureNameStatistics.Type.Name(measured.type)]


def common(measured: Any) -> Any:
    """Return the CommonStatistics of FeatureNameStatistics."""
    return measured.string_stats.common_stats if measured.HasField("string_stats") else measured.num_stats.common_stats


def domain(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> list[str] | None:
    """Return the values of a column's domain; None without a domain."""
    if feature.HasField("string_domain"):
        return list(feature.string_domain.value)
    if feature.HasField("domain"):
        return next(
            (
                list(string_domain.value)
                for string_domain in schema.string_domain
                if string_domain.name == feature.domain
            ),
            None,
        )
    return None


def mass(feature: schema_pb2.Feature) -> float:
    """Return the share of the values that a column's domain must cover."""
    constraints = feature.distribution_constraints
    return constraints.min_domain_mass if feature.HasField("distribution_constraints") else 1.0


def unlisted_values(domain_values: Collection[str], measured: Any) -> tuple[list[str], float, float]:
    """Find the values of a text column that are not known.

    Exact for up to 1,000 distinct values, which statistics list.

    Args:
        domain_values: Known values.
        measured: FeatureNameStatistics.

    Returns:
        The values, the number of their rows, and the number of rows with a value.
    """
    values = set(domain_values)
    buckets = [bucket for bucket in measured.string_stats.rank_histogram.buckets if bucket.label not in values]
    total = measured.string_stats.common_stats.num_non_missing
    return [bucket.label for bucket in buckets], sum(bucket.sample_count for bucket in buckets), total


def _type(case: Case) -> str:
    return schema_mismatches.other_type(schema_pb2.FeatureType.Name(case.feature.type), kind_of(case.measured))


def _missing(case: Case) -> str:
    counts = common(case.measured)
    return schema_mismatches.missing(
        counts.num_missing / (counts.num_missing + counts.num_non_missing), case.feature.presence.min_fraction
    )


def _few(case: Case) -> str:
    present, min_count = common(case.measured).num_non_missing, case.feature.presence.min_count
    return f"{present:,} row{'s' if present != 1 else ''} with a value, the schema requires {min_count:,}"


def _above(case: Case) -> str:
    return schema_mismatches.beyond(_range(case).max, case.measured.num_stats.max, above=True)


def _below(case: Case) -> str:
    return schema_mismatches.beyond(_range(case).min, case.measured.num_stats.min, above=False)


def _range(case: Case) -> Any:
    return case.feature.int_domain if case.feature.HasField("int_domain") else case.feature.float_domain


def _values(case: Case) -> str:
    domain_values = set(domain(case.schema, case.feature) or [])
    buckets = case.measured.string_stats.rank_histogram.buckets
    counts = [(bucket.label, bucket.sample_count) for bucket in buckets if bucket.label not in domain_values]
    counts.sort(key=lambda count: (-count[1], count[0]))
    return schema_mismatches.new_values(
        counts, common(case.measured).num_non_missing, mass(case.feature), domain_values
    )


def _values_per_row(case: Case) -> str:
    counts = common(case.measured)
    low, high = counts.min_num_values, counts.max_num_values
    count = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{count} values per row, the schema allows {_allowed(case.feature)}"


def _allowed(feature: schema_pb2.Feature) -> str:
    """Return the number of values per row that a feature allows."""
    if feature.HasField("shape"):
        return " x ".join(str(dim.size) for dim in feature.shape.dim) or "1"
    low, high = feature.value_count.min, feature.value_count.max
    return f"{low:,}" if low == high else f"{low:,} to {high:,}" if high else f"{low:,} or more"


MEASURED: Mapping[str, Callable[[Case], str]] = {
    "UNEXPECTED_DATA_TYPE": _type,
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": _missing,
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": _few,
    "SCHEMA_NEW_COLUMN": lambda case: schema_mismatches.new_column(kind_of(case.measured)),
    UNEXPECTED: _values,
    "FEATURE_TYPE_LOW_NUMBER_VALUES": _values_per_row,
    "FEATURE_TYPE_HIGH_NUMBER_VALUES": _values_per_row,
    "FEATURE_TYPE_UNEXPECTED_REPEATED": _values_per_row,
    "INVALID_FEATURE_SHAPE": _values_per_row,
    "VALUE_NESTEDNESS_MISMATCH": lambda case: "nested lists of another depth than in the schema",
    "INT_TYPE_BIG_INT": _above,
    "FLOAT_TYPE_BIG_FLOAT": _above,
    "INT_TYPE_SMALL_INT": _below,
    "FLOAT_TYPE_SMALL_FLOAT": _below,
}
"""Type of an anomaly -> function that describes it with the measured values."""
FIXED: Mapping[str, str] = {
    "SCHEMA_MISSING_COLUMN": schema_mismatches.GONE,
    "FEATURE_TYPE_NOT_PRESENT": schema_mismatches.EMPTY,
    "FEATURE_TYPE_NO_VALUES": schema_mismatches.EMPTY,
    "ENUM_TYPE_INVALID_UTF8": "text that is not UTF-8",
    "INT_TYPE_NOT_INT_STRING": "text that is not an integer",
    "FLOAT_TYPE_STRING_NOT_FLOAT": "text that is not a number",
    "FLOAT_TYPE_HAS_NAN": "NaN, which the schema's float_domain does not allow",
    "FLOAT_TYPE_HAS_INF": "infinite numbers, which the schema's float_domain does not allow",
    "FEATURE_TYPE_LOW_UNIQUE": "fewer distinct values than the schema's unique_constraints require",
    "FEATURE_TYPE_HIGH_UNIQUE": "more distinct values than the schema's unique_constraints allow",
    "FEATURE_TYPE_NO_UNIQUE": "numbers, to which unique_constraints do not apply: remove them from the schema",
    **dict.fromkeys(
        ("BOOL_TYPE_BIG_INT", "BOOL_TYPE_SMALL_INT", "BOOL_TYPE_UNEXPECTED_STRING", "BOOL_TYPE_UNEXPECTED_FLOAT"),
        "values that are not in the schema's bool_domain",
    ),
    "DOMAIN_INVALID_FOR_TYPE": "the domain in the schema does not fit the type of the column",
    "NO_DATA_IN_SPAN": "no rows",
}
"""Type of an anomaly -> its sentence."""
_OTHER_TYPE = ("INT_TYPE_NOT_INT_STRING", "FLOAT_TYPE_STRING_NOT_FLOAT", UNEXPECTED)
CONSEQUENCES: Mapping[str, Sequence[str]] = {
    "UNEXPECTED_DATA_TYPE": _OTHER_TYPE,
    **dict.fromkeys(
        ("FEATURE_TYPE_LOW_FRACTION_PRESENT", "FEATURE_TYPE_LOW_NUMBER_PRESENT", "FEATURE_TYPE_NOT_PRESENT"),
        ("INVALID_FEATURE_SHAPE", "FEATURE_TYPE_LOW_NUMBER_VALUES"),
    ),
}
"""Type of an anomaly -> types that follow from it, which are not reported again."""
