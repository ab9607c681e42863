"""Mergeable accumulators for the analyzers of TensorFlow Transform (TFT).

TFT's own combiners accumulate numbers, in large batches; Arrow counts the tokens of a vocabulary.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components import value_counts

Batch = Mapping[str, Any]
"""Tensor key -> NumPy array of its values in one batch."""


class Gatherer(Protocol):
    """Accumulator of one analyzer in a data pass; picklable, because it is sent to workers."""

    def add(self, gathered: Any, batch: Batch) -> Any:
        """Add a batch to an accumulated value; return the new value.

        Args:
            gathered: Value of the earlier batches; None for the first batch.
            batch: Tensor key -> array.
        """

    def merge(self, parts: Iterable[Any]) -> Any:
        """Merge the accumulated values of several shards."""


@dataclass(frozen=True)
class Combined:
    """Accumulates with TFT's combiners: means, variances, extremes, sizes and quantiles.

    Attributes:
        combiners: Combiners of the analyzer.
        keys: Tensor keys of the inputs of each combiner.
    """

    combiners: tuple[Any, ...]
    keys: tuple[tuple[str, ...], ...]

    def add(self, gathered: list[Any] | None, batch: Batch) -> list[Any]:
        """See Gatherer."""
        accumulators = gathered or [combiner.create_accumulator() for combiner in self.combiners]
        return [
            combiner.add_input(accumulator, tuple(batch[key] for key in keys))
            for combiner, accumulator, keys in zip(self.combiners, accumulators, self.keys, strict=True)
        ]

    def merge(self, parts: Iterable[list[Any]]) -> list[Any]:
        """See Gatherer."""
        columns = zip(*parts, strict=True)
        return [
            combiner.compact(combiner.merge_accumulators(list(column)))
            for combiner, column in zip(self.combiners, columns, strict=True)
        ]


@dataclass(frozen=True)
class Counted:
    """Counts tokens.

    Attributes:
        key: Key of the tensor of tokens.
    """

    key: str

    def add(self, gathered: list[pa.StructArray] | None, batch: Batch) -> list[pa.StructArray]:
        """See Gatherer."""
        tokens = np.asarray(batch[self.key]).reshape(-1)
        return value_counts.add(gathered, pa.array(tokens, pa.binary() if tokens.dtype == object else None))

    def merge(self, parts: Iterable[list[pa.StructArray]]) -> list[pa.StructArray]:
        """See Gatherer."""
        return [value_counts.total([single for part in parts for single in part])]


def vocabulary(counted: pa.StructArray, *, least: int, most: int | None) -> pa.StructArray:
    """Sort tokens as TFT does: by descending count, then by descending token.

    Args:
        counted: Struct array with fields `values` and `counts`.
        least: Minimum count of a token.
        most: Maximum number of tokens; None for all.

    Returns:
        Struct array with fields `values` (binary) and `counts`.
    """
    values, numbers = counted.field("values"), counted.field("counts")
    if not pa.types.is_binary(values.type):
        values = pa.array([str(value).encode() for value in values.to_pylist()], pa.binary())
    table = pa.table({"values": values, "counts": numbers})
    table = table.filter(pc.greater_equal(table["counts"], least))
    order = pc.sort_indices(table, sort_keys=[("counts", "descending"), ("values", "descending")])
    table = table.take(order[:most] if most is not None else order)
    return pa.StructArray.from_arrays([value_counts.flat(column) for column in table.columns], table.column_names)
