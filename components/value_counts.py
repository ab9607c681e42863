"""Mergeable counts of values, as Arrow arrays of structs of `values` and `counts`, one row per value."""

import pyarrow as pa

PARTS = 16
"""Number of partial counts before they are merged."""


def add(parts: list[pa.StructArray] | None, values: pa.Array) -> list[pa.StructArray]:
    """Add the counts of an array of values to partial counts; None for no counts yet."""
    parts = [*(parts or []), values.value_counts()]
    return [total(parts)] if len(parts) > PARTS else parts


def total(parts: list[pa.StructArray]) -> pa.StructArray:
    """Merge partial counts; nulls are not counted."""
    table = pa.table({name: pa.chunked_array([part.field(name) for part in parts]) for name in ("values", "counts")})
    grouped = table.group_by("values").aggregate([("counts", "sum")])
    values, counts = (flat(grouped[name]) for name in ("values", "counts_sum"))
    return pa.StructArray.from_arrays([values, counts], ["values", "counts"])


def flat(column: pa.ChunkedArray) -> pa.Array:
    """Concatenate the chunks of a column."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
