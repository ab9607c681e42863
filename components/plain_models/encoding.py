"""Raw columns as matrices for scikit-learn. Imports no TensorFlow: a separate process fits the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

Array = np.ndarray[Any, Any]
CATEGORIES = 254
"""Values of a category that boosted trees tell apart, the most frequent; all others are one more."""
ONE_HOT = 100
"""Values of a category that a linear model tells apart; all others are one more."""


@dataclass(frozen=True)
class Column:
    """One column, as numbers or as codes of a category.

    Attributes:
        train: float64 (rows,) of the train split; NaN where it is null.
        predicted: Values of the split to predict.
        categories: Number of codes of a category: each frequent value, then one for all others; 0 for a number.
    """

    train: Array
    predicted: Array
    categories: int = 0


def columns(train: pa.Table, predicted: pa.Table, kinds: Mapping[str, str]) -> list[Column]:
    """Encode the columns that have two or more values in the train split, of which a null is one."""
    encoded = [_column(train.column(name), predicted.column(name), kind) for name, kind in kinds.items()]
    return [column for column in encoded if _varies(column.train)]


def _varies(values: Array) -> bool:
    present = values[~np.isnan(values)]
    return len(present) > 0 and (len(present) < len(values) or bool((present != present[0]).any()))


def _column(train: pa.ChunkedArray, predicted: pa.ChunkedArray, kind: str) -> Column:
    if kind != "category":
        read = _days if kind == "date" else numbers
        return Column(read(train), read(predicted))
    texts = _text(train)
    counts = sorted((-entry["counts"], entry["values"]) for entry in pc.value_counts(texts.drop_null()).to_pylist())
    categories = pa.array([value for _, value in counts[:CATEGORIES]], pa.binary())
    return Column(_codes(texts, categories), _codes(_text(predicted), categories), len(categories) + 1)


def _text(cells: pa.ChunkedArray) -> pa.Array:
    """Return values as bytes: the digits of a number."""
    joined = cells.combine_chunks() if cells.num_chunks != 1 else cells.chunk(0)
    return joined if pa.types.is_binary(joined.type) else joined.cast(pa.string()).cast(pa.binary())


def _codes(cells: pa.Array, categories: pa.Array) -> Array:
    indices = pc.index_in(cells, value_set=categories)
    code = np.asarray(pc.fill_null(indices, len(categories)), np.float64)
    return np.where(np.asarray(cells.is_null()), np.nan, code)


def numbers(cells: pa.ChunkedArray) -> Array:
    """Return numbers, float64 (rows,); a null or an infinite number is NaN."""
    values = np.asarray(cells.cast(pa.float64()).to_numpy(), np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _days(cells: pa.ChunkedArray) -> Array:
    """Return days since 1970-01-01 of dates that begin with YYYY-MM-DD; NaN of any other text."""
    text = pc.utf8_slice_codeunits(_text(cells).cast(pa.string()), 0, 10)
    days = pc.strptime(text, format="%Y-%m-%d", unit="s", error_is_null=True).cast(pa.int64())
    return np.asarray(days.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64) / 86_400


def for_trees(encoded: list[Column]) -> tuple[Array, Array, list[bool]]:
    """Return the matrices of both splits, and which columns are categories; NaN is null."""
    return (
        np.column_stack([column.train for column in encoded]),
        np.column_stack([column.predicted for column in encoded]),
        [column.categories > 0 for column in encoded],
    )


def for_linear(encoded: list[Column]) -> tuple[Any, Any]:
    """Return the matrices of both splits: numbers with mean 0 and deviation 1, categories one-hot.

    A null is the mean of a number, with an indicator of its own, and a value of its own of a category.
    """
    train: list[Any] = []
    predicted: list[Any] = []
    for column in encoded:
        if column.categories:
            for matrices, codes in ((train, column.train), (predicted, column.predicted)):
                matrices.append(_one_hot(codes, column.categories))
            continue
        mean = np.nanmean(column.train)
        deviation = np.nanstd(column.train) or 1.0
        for matrices, values in ((train, column.train), (predicted, column.predicted)):
            matrices.append(np.nan_to_num((values - mean) / deviation)[:, np.newaxis])
        if np.isnan(column.train).any():
            train.append(np.isnan(column.train)[:, np.newaxis].astype(np.float64))
            predicted.append(np.isnan(column.predicted)[:, np.newaxis].astype(np.float64))
    if any(column.categories for column in encoded):
        return sparse.hstack(train, format="csr"), sparse.hstack(predicted, format="csr")
    return np.hstack(train), np.hstack(predicted)


def _one_hot(codes: Array, categories: int) -> Any:
    other_code = min(categories - 1, ONE_HOT)
    column = np.where(np.isnan(codes), other_code + 1, np.minimum(codes, other_code)).astype(np.int64)
    rows = np.arange(len(codes))
    return sparse.csr_matrix((np.ones(len(codes)), (rows, column)), shape=(len(codes), other_code + 2))
