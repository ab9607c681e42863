"""The background that a model carries: rows of its train split, with which an explanation compares a row."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spec.file_names import BACKGROUND

Array = np.ndarray[Any, Any]


class NotExplainableError(ValueError):
    """Raised if a model's predictions cannot be explained; the message says why and what to do."""


@dataclass(frozen=True)
class Background:
    """Rows to compare with.

    Attributes:
        cells: Input of `serving_default` that is explained -> its cells, (rows,), as the input takes them.
        columns: Name of each input, explained or not -> its column.
        unexplained: Input that is not explained -> why.
        rows: Number of rows.
    """

    cells: Mapping[str, Array]
    columns: Mapping[str, str]
    unexplained: Mapping[str, str]
    rows: int


def read(folder: str) -> Background:
    """Read the background of a model.

    Args:
        folder: The SavedModel's.

    Raises:
        NotExplainableError: it has none, or none of its columns can be explained.
    """
    path = os.path.join(folder, BACKGROUND)
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        inputs = content["inputs"]
        found = Background(
            {one["name"]: _array(one["cells"], one["dtype"]) for one in inputs if "cells" in one},
            {one["name"]: one["column"] for one in inputs},
            {one["name"]: one["reason"] for one in inputs if "cells" not in one},
            content["rows"],
        )
    except FileNotFoundError as error:
        raise NotExplainableError(
            f"version {os.path.basename(folder)} has no background rows, {BACKGROUND}: it was pushed before "
            "predictions could be explained, or by another tool. Run the pipeline again, so that it pushes a new one"
        ) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotExplainableError(f"{path} is damaged: {error}. Push a new version, or roll back") from error
    if not found.cells or not found.rows:
        reasons = "; ".join(f"column {found.columns[name]!r}: {text}" for name, text in found.unexplained.items())
        raise NotExplainableError(f"no column of this model has a contribution{': ' if reasons else ''}{reasons}")
    return found


def _array(cells: Any, dtype: str) -> Array:
    """Convert cells to what the input takes; a null is NaN, "" or the smallest int64."""
    if dtype == "string":
        texts = np.empty(len(cells), object)
        texts[:] = [_bytes(cell) for cell in cells]
        return texts
    null: Any = np.nan if np.dtype(dtype).kind == "f" else np.iinfo(dtype).min
    return np.array([null if cell is None else cell for cell in cells], dtype)


def _bytes(cell: Any) -> bytes:
    if isinstance(cell, dict):
        return base64.b64decode(cell["b64"])
    return b"" if cell is None else str(cell).encode()
