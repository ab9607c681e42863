"""Detection of renamed columns: pairs of a missing column and a new column of the same files."""

import difflib
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from components.validation.anomaly_sentences import domain
from curation.facts import column_facts

ALIKE = 0.5
"""Minimum similarity of two names, or share of known values, for a proposed pair."""


def proposals(schema: schema_pb2.Schema, table: pa.Table, columns_of: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Pair missing columns with new ones of a fitting type.

    A pair is proposed if the names are similar, if the new column has the known values of the missing one, or if it is
    the only pair.

    Args:
        schema: The approved schema.
        table: The data.
        columns_of: File -> its columns.

    Returns:
        Missing column -> new column.
    """
    approved = {feature.name: feature for feature in schema.feature}
    new_columns = [name for name in table.column_names if name not in approved]
    scores: dict[tuple[str, str], float] = {}
    for name, feature in approved.items():
        files_without = [set(names) for names in columns_of.values() if name not in names]
        for candidate in new_columns:
            if any(candidate in names for names in files_without) and _fits(feature, table[candidate]):
                scores[name, candidate] = max(
                    _names_alike(name, candidate), _known_share(schema, feature, table[candidate])
                )
    single_pair = len(scores) == 1
    renamed: dict[str, str] = {}
    for (name, candidate), score in sorted(scores.items(), key=lambda scored_pair: -scored_pair[1]):
        if (score >= ALIKE or single_pair) and name not in renamed and candidate not in renamed.values():
            renamed[name] = candidate
    return renamed


def _fits(feature: schema_pb2.Feature, cells: pa.ChunkedArray) -> bool:
    """Return whether cells have the type of a column, or a narrower one."""
    kinds = {"INT": ("INT",), "FLOAT": ("INT", "FLOAT")}
    return column_facts.settle(cells)[0] in kinds.get(schema_pb2.FeatureType.Name(feature.type), ("BYTES",))


def _names_alike(name: str, other_name: str) -> float:
    lower, other_lower = name.lower(), other_name.lower()
    is_part = min(len(lower), len(other_lower)) > 1 and (lower in other_lower or other_lower in lower)
    return 1.0 if is_part else difflib.SequenceMatcher(None, lower, other_lower).ratio()


def _known_share(schema: schema_pb2.Schema, feature: schema_pb2.Feature, cells: pa.ChunkedArray) -> float:
    """Return the share of the cells whose value is in the domain of a text column; 0 without a domain."""
    domain_values, present = domain(schema, feature), cells.drop_null()
    if not domain_values or not len(present):
        return 0.0
    return float(pc.mean(pc.is_in(present.cast(pa.string()), value_set=pa.array(domain_values, pa.string()))).as_py())
