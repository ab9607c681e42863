"""The background that a model carries: rows of its train split, with which an explanation compares a row."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spec.cells import null_cells
from spec.file_names import BACKGROUND

Array = np.ndarray[Any, Any]


class NotExplainableError(ValueError):
    """A model whose predictions cannot be explained; the message gives the cause and the fix."""


@dataclass(frozen=True)
class Background:
    """Rows to compare with.

    Attributes:
        cells: Explained input of `serving_default` -> array of (rows,) with the dtype of the input.
        columns: Input, explained or not -> column.
        unexplained: Input that is not explained -> reason.
        rows: Number of rows.
    """

    cells: Mapping[str, Array]
    columns: Mapping[str, str]
    unexplained: Mapping[str, str]
    rows: int


def read(folder: str) -> Background:
    """Read the background of a model.

    Args:
        folder: Folder of the SavedModel.

    Raises:
        NotExplainableError: the model has no background, or none of its columns can be explained.
    """
    path = os.path.join(folder, BACKGROUND)
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        inputs = content["inputs"]
        rows = Background(
            {entry["name"]: _array(entry["cells"], entry["dtype"]) for entry in inputs if "cells" in entry},
            {entry["name"]: entry["column"] for entry in inputs},
            {entry["name"]: entry["reason"] for entry in inputs if "cells" not in entry},
            content["rows"],
        )
    except FileNotFoundError as error:
        raise NotExplainableError(
            f"version {os.path.basename(folder)} has no background rows, {BACKGROUND}: it was pushed before "
            "predictions could be explained, or by another tool. Run the pipeline again, so that it pushes a new one"
        ) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotExplainableError(f"{path} is damaged: {error}. Push a new version, or roll back") from error
    if not rows.cells or not rows.rows:
        reasons = "; ".join(f"column {rows.columns[name]!r}: {text}" for name, text in rows.unexplained.items())
        raise NotExplainableError(f"no column of this model has a contribution{': ' if reasons else ''}{reasons}")
    return rows


def _array(cells: Any, dtype: str) -> Array:
    """Convert the JSON of cells to an array with the dtype of the input; a null becomes the dtype's null cell."""
    if dtype == "string":
        texts = np.empty(len(cells), object)
        texts[:] = [_bytes(cell) for cell in cells]
        return texts
    return np.array([null_cells.BY_DTYPE[dtype] if cell is None else cell for cell in cells], dtype)


def _bytes(cell: Any) -> bytes:
    if isinstance(cell, dict):
        return base64.b64decode(cell["b64"])
    return null_cells.TEXT if cell is None else str(cell).encode()
