"""Columns that were probably renamed: one that files lack, and a new one of the same files."""

import difflib
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from components.validation.anomaly_sentences import domain
from curation.facts import column_facts

ALIKE = 0.5
"""Smallest similarity of two names, or share of known values, that makes a renaming probable."""


def proposals(schema: schema_pb2.Schema, table: pa.Table, columns_of: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Pair missing columns with new ones of a fitting type.

    A pair is proposed if the names are alike, if the new column has the known values of the missing one, or if there
    is no other pair.

    Args:
        schema: The approved schema.
        table: The data.
        columns_of: File -> its columns.

    Returns:
        Missing column -> new column.
    """
    approved = {feature.name: feature for feature in schema.feature}
    new = [name for name in table.column_names if name not in approved]
    scores: dict[tuple[str, str], float] = {}
    for name, feature in approved.items():
        lacking = [set(names) for names in columns_of.values() if name not in names]
        for other in new:
            if any(other in names for names in lacking) and _fits(feature, table[other]):
                scores[name, other] = max(_names_alike(name, other), _known_share(schema, feature, table[other]))
    only = len(scores) == 1
    pairs: dict[str, str] = {}
    for (name, other), score in sorted(scores.items(), key=lambda pair: -pair[1]):
        if (score >= ALIKE or only) and name not in pairs and other not in pairs.values():
            pairs[name] = other
    return pairs


def _fits(feature: schema_pb2.Feature, cells: pa.ChunkedArray) -> bool:
    """Return whether cells have the type of a column, or a narrower one."""
    kinds = {"INT": ("INT",), "FLOAT": ("INT", "FLOAT")}
    return column_facts.settle(cells)[0] in kinds.get(schema_pb2.FeatureType.Name(feature.type), ("BYTES",))


def _names_alike(name: str, other: str) -> float:
    one, two = name.lower(), other.lower()
    is_part = min(len(one), len(two)) > 1 and (one in two or two in one)
    return 1.0 if is_part else difflib.SequenceMatcher(None, one, two).ratio()


def _known_share(schema: schema_pb2.Schema, feature: schema_pb2.Feature, cells: pa.ChunkedArray) -> float:
    """Return the share of the cells whose value is in the domain of a text column; 0 without a domain."""
    known, present = domain(schema, feature), cells.drop_null()
    if not known or not len(present):
        return 0.0
    return float(pc.mean(pc.is_in(present.cast(pa.string()), value_set=pa.array(known, pa.string()))).as_py())
