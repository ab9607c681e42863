"""Counts of values that add up, as Arrow arrays: a struct of `values` and `counts`, one row a value."""

import pyarrow as pa

PARTS = 16
"""Counts that are held side by side before they are added up."""


def add(parts: list[pa.StructArray] | None, values: pa.Array) -> list[pa.StructArray]:
    """Count an array of values, beside what was counted before."""
    parts = [*(parts or []), values.value_counts()]
    return [total(parts)] if len(parts) > PARTS else parts


def total(parts: list[pa.StructArray]) -> pa.StructArray:
    """Add parts up, a value at a time; a null is not counted."""
    table = pa.table({name: pa.chunked_array([part.field(name) for part in parts]) for name in ("values", "counts")})
    grouped = table.group_by("values").aggregate([("counts", "sum")])
    values, counts = (flat(grouped[name]) for name in ("values", "counts_sum"))
    return pa.StructArray.from_arrays([values, counts], ["values", "counts"])


def flat(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
