"""TFDV's anomalies of a column in the sentences of components/data_checks/schema_mismatches.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.data_checks import schema_mismatches

UNEXPECTED = "ENUM_TYPE_UNEXPECTED_STRING_VALUES"
TYPES = {"INT": "INT", "FLOAT": "FLOAT", "STRING": "BYTES", "BYTES": "BYTES"}
"""Statistics' type -> the schema's."""


@dataclass(frozen=True)
class Case:
    """One column of one split.

    Attributes:
        schema: The reviewed schema.
        feature: The column's entry there.
        measured: FeatureNameStatistics.
    """

    schema: schema_pb2.Schema
    feature: schema_pb2.Feature
    measured: Any


def of(kind: str, case: Case | None, figures: str) -> str:
    """One anomaly in a sentence.

    Args:
        kind: Its type, by TFDV's name.
        case: The column, where schema and statistics both have it.
        figures: TFDV's own text, for a type that our schemas and data never come to.
    """
    if kind in FIXED:
        return FIXED[kind]
    if case is not None and kind in MEASURED:
        return MEASURED[kind](case)
    return f"{kind.lower().replace('_', ' ')}: {figures}" if figures else kind.lower().replace("_", " ")


def kept(kinds: Sequence[str]) -> list[str]:
    """Types of a column's anomalies without those that follow from another one."""
    followed = {after for kind in kinds for after in FOLLOWS.get(kind, ())}
    return [kind for kind in dict.fromkeys(kinds) if kind not in followed]


def kind_of(measured: Any) -> str:
    """The schema's type of the values that statistics are of."""
    return TYPES[statistics_pb2.FeatureNameStatistics.Type.Name(measured.type)]


def common(measured: Any) -> Any:
    """CommonStatistics of a column."""
    return measured.string_stats.common_stats if measured.HasField("string_stats") else measured.num_stats.common_stats


def domain(schema: schema_pb2.Schema, feature: schema_pb2.Feature) -> list[str] | None:
    """Values that a column's domain names; None where it has none."""
    if feature.HasField("string_domain"):
        return list(feature.string_domain.value)
    if feature.HasField("domain"):
        return next((list(one.value) for one in schema.string_domain if one.name == feature.domain), None)
    return None


def mass(feature: schema_pb2.Feature) -> float:
    """Share of the values that a column's domain must cover."""
    constraints = feature.distribution_constraints
    return constraints.min_domain_mass if feature.HasField("distribution_constraints") else 1.0


def _type(case: Case) -> str:
    return schema_mismatches.other_type(schema_pb2.FeatureType.Name(case.feature.type), kind_of(case.measured))


def _missing(case: Case) -> str:
    counts = common(case.measured)
    return schema_mismatches.missing(
        counts.num_missing / (counts.num_missing + counts.num_non_missing), case.feature.presence.min_fraction
    )


def _few(case: Case) -> str:
    present, least = common(case.measured).num_non_missing, case.feature.presence.min_count
    return f"{present:,} row{'s' if present != 1 else ''} with a value, the schema needs {least:,}"


def _above(case: Case) -> str:
    return schema_mismatches.beyond(_range(case).max, case.measured.num_stats.max, above=True)


def _below(case: Case) -> str:
    return schema_mismatches.beyond(_range(case).min, case.measured.num_stats.min, above=False)


def _range(case: Case) -> Any:
    return case.feature.int_domain if case.feature.HasField("int_domain") else case.feature.float_domain


def _values(case: Case) -> str:
    known = set(domain(case.schema, case.feature) or [])
    buckets = case.measured.string_stats.rank_histogram.buckets
    others = [(bucket.label, bucket.sample_count) for bucket in buckets if bucket.label not in known]
    whole = common(case.measured).num_non_missing
    others.sort(key=lambda one: (-one[1], one[0]))
    return schema_mismatches.new_values(others, whole, mass(case.feature), known)


def _several(case: Case) -> str:
    counts = common(case.measured)
    low, high = counts.min_num_values, counts.max_num_values
    number = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{number} values in a row, the schema allows {_allowed(case.feature)}"


def _allowed(feature: schema_pb2.Feature) -> str:
    """Number of values of a row."""
    if feature.HasField("shape"):
        return " x ".join(str(dim.size) for dim in feature.shape.dim) or "1"
    low, high = feature.value_count.min, feature.value_count.max
    return f"{low:,}" if low == high else f"{low:,} to {high:,}" if high else f"{low:,} and more"


MEASURED: Mapping[str, Callable[[Case], str]] = {
    "UNEXPECTED_DATA_TYPE": _type,
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": _missing,
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": _few,
    "SCHEMA_NEW_COLUMN": lambda case: schema_mismatches.new_column(kind_of(case.measured)),
    UNEXPECTED: _values,
    "FEATURE_TYPE_LOW_NUMBER_VALUES": _several,
    "FEATURE_TYPE_HIGH_NUMBER_VALUES": _several,
    "FEATURE_TYPE_UNEXPECTED_REPEATED": _several,
    "INVALID_FEATURE_SHAPE": _several,
    "VALUE_NESTEDNESS_MISMATCH": lambda case: "lists within lists, of another depth than the schema says",
    "INT_TYPE_BIG_INT": _above,
    "FLOAT_TYPE_BIG_FLOAT": _above,
    "INT_TYPE_SMALL_INT": _below,
    "FLOAT_TYPE_SMALL_FLOAT": _below,
}
"""Type of an anomaly -> its sentence, out of the figures."""
FIXED: Mapping[str, str] = {
    "SCHEMA_MISSING_COLUMN": schema_mismatches.GONE,
    "FEATURE_TYPE_NOT_PRESENT": schema_mismatches.EMPTY,
    "FEATURE_TYPE_NO_VALUES": schema_mismatches.EMPTY,
    "ENUM_TYPE_INVALID_UTF8": "texts that are not UTF-8",
    "INT_TYPE_NOT_INT_STRING": "texts that are not integers",
    "FLOAT_TYPE_STRING_NOT_FLOAT": "texts that are not numbers",
    "FLOAT_TYPE_HAS_NAN": "NaN, which the schema's float_domain does not allow",
    "FLOAT_TYPE_HAS_INF": "infinite numbers, which the schema's float_domain does not allow",
    "FEATURE_TYPE_LOW_UNIQUE": "fewer different values than the schema's unique_constraints ask for",
    "FEATURE_TYPE_HIGH_UNIQUE": "more different values than the schema's unique_constraints allow",
    "FEATURE_TYPE_NO_UNIQUE": "numbers, which the schema's unique_constraints cannot count: take these out",
    **dict.fromkeys(
        ("BOOL_TYPE_BIG_INT", "BOOL_TYPE_SMALL_INT", "BOOL_TYPE_UNEXPECTED_STRING", "BOOL_TYPE_UNEXPECTED_FLOAT"),
        "values that the schema's bool_domain does not name",
    ),
    "DOMAIN_INVALID_FOR_TYPE": "the schema gives it a domain that does not fit its type",
    "NO_DATA_IN_SPAN": "no rows",
}
"""Type of an anomaly -> its sentence."""
_OTHER_TYPE = ("INT_TYPE_NOT_INT_STRING", "FLOAT_TYPE_STRING_NOT_FLOAT", UNEXPECTED)
FOLLOWS: Mapping[str, Sequence[str]] = {
    "UNEXPECTED_DATA_TYPE": _OTHER_TYPE,
    **dict.fromkeys(
        ("FEATURE_TYPE_LOW_FRACTION_PRESENT", "FEATURE_TYPE_LOW_NUMBER_PRESENT", "FEATURE_TYPE_NOT_PRESENT"),
        ("INVALID_FEATURE_SHAPE", "FEATURE_TYPE_LOW_NUMBER_VALUES"),
    ),
}
"""Type of an anomaly -> types that say the same of a column, and less."""
