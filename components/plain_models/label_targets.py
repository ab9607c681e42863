"""The label as scikit-learn's models learn it. Imports no TensorFlow."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from components.plain_models.encoding import numbers
from spec.columns.label import Label

Array = np.ndarray[Any, Any]
Function = Callable[[Array], Array]
TRANSFORMS: Mapping[str, tuple[Function, Function]] = {
    "none": (np.asarray, np.asarray),
    "log": (np.log, np.exp),
    "log1p": (np.log1p, np.expm1),
    "signed_log": (
        lambda number: np.sign(number) * np.log1p(np.abs(number)),
        lambda value: np.sign(value) * np.expm1(np.abs(value)),
    ),
}
"""Those of models/tasks/label_transforms.py, without TensorFlow."""


def number(cells: pa.ChunkedArray, label: Label) -> Array:
    """Return the targets of a regression, float64 (rows,); NaN for null, and for a number without a logarithm."""
    learned, _ = TRANSFORMS[label.transform]
    with np.errstate(all="ignore"):
        value = learned(numbers(cells))
    return np.where(np.isfinite(value), value, np.nan)


def classes(cells: pa.ChunkedArray, label: Label) -> tuple[Array, list[str]]:
    """Return the index of each row's class, int64 (rows,), -1 for none, and the names of the classes."""
    if label.tiers is not None:
        values = numbers(cells)
        edges = np.nanquantile(values, np.arange(1, label.tiers) / label.tiers)
        index = np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="right"))
        return index.astype(np.int64), list(label.names or ())
    coded = cells.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    class_names = [label.class_of(_plain(value)) for value in coded.dictionary]
    names = list(label.names or dict.fromkeys(str(name) for name in class_names if name is not None))
    class_codes = np.array(
        [names.index(str(name)) if name is not None else -1 for name in class_names] or [-1], np.int64
    )
    codes = np.asarray(coded.indices.fill_null(-1), np.int64)
    return np.where(codes < 0, -1, class_codes[codes]), names


def _plain(value: Any) -> str | float:
    """Return a cell as the config writes it: bytes as text, a float32 with its own digits."""
    plain = value.as_py()
    if isinstance(plain, bytes):
        return plain.decode("utf-8", "replace")
    return float(str(np.float32(plain))) if isinstance(plain, float) else plain
