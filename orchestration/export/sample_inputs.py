"""Rows to compare a converted model with its SavedModel: the sample rows, and copies with one unusual cell each."""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from models.export import self_check
from spec.artifacts import signature_names
from spec.cells import null_cells
from spec.file_names import REQUESTS

_CELLS: Mapping[str, Sequence[Any]] = {
    "float32": [null_cells.NUMBER, 0.0, -1.0, 1.5, 1e6, float("inf")],
    "int64": [null_cells.INTEGER, 0, -1, 7, 10**6],
    "string": ["", "  ", "Zürich ☃ 東京", "?", "2024-02-29", "2023-02-29"],
}
_TEXTS = [
    "",
    " ",
    "?",
    "x",
    "0",
    "-1.5",
    "+7",
    "1e3",
    "1e400",
    "-1e-400",
    "0e999",
    "9" * 19,
    "nan",
    "inf",
    "1.",
    "0" * 40 + "7",
    "2024-02-29",
    "Zürich ☃ 東京",
]
"""Cells of a CSV file."""

Array = np.ndarray[Any, Any]


def columns(folder: str) -> dict[str, str]:
    """Return the inputs of a version, input name -> column."""
    return {signature_input["name"]: signature_input["column"] for signature_input in _requests(folder)["inputs"]}


def typed(folder: str) -> tuple[dict[str, Array], int]:
    """Return inputs of `serving_default`, and the number of those rows that are the sample rows, unchanged."""
    inputs = _requests(folder)["inputs"]
    with open(os.path.join(folder, self_check.SAMPLE), encoding="utf-8") as file:
        rows = [tf.train.Example.FromString(base64.b64decode(row)) for row in json.load(file)["rows"]]
    kinds = {signature_input["name"]: signature_input["dtype"] for signature_input in inputs}
    sample = {
        signature_input["name"]: [_cell(row, signature_input["column"], signature_input["dtype"]) for row in rows]
        for signature_input in inputs
    }
    return _varied(sample, kinds, _CELLS), len(rows)


def texts(folder: str) -> tuple[dict[str, Array], int]:
    """Return inputs of `serving_rows`; values as of `typed`."""
    [row] = _requests(folder)["samples"][signature_names.ROWS]["instances"]
    sample = {name: [_text(cell)] for name, cell in row.items()}
    return _varied(sample, dict.fromkeys(sample, "string"), {"string": _TEXTS}), 1


def _varied(
    sample: Mapping[str, list[Any]], kinds: Mapping[str, str], cells: Mapping[str, Sequence[Any]]
) -> dict[str, Array]:
    """Append copies of the first row, each with another cell, and with blanks around its text."""
    rows: dict[str, list[Any]] = {name: list(values) for name, values in sample.items()}
    for name, kind in kinds.items():
        padded_texts = [f" \u00a0{sample[name][0]}\t"] if kind == "string" else []
        for cell in (*cells[kind], *padded_texts):
            for input_name, values in rows.items():
                values.append(cell if input_name == name else sample[input_name][0])
    return {name: np.array(values, object if kinds[name] == "string" else kinds[name]) for name, values in rows.items()}


def _requests(folder: str) -> Any:
    with open(os.path.join(folder, REQUESTS), encoding="utf-8") as file:
        return json.load(file)


def _text(cell: Any) -> str:
    return base64.b64decode(cell["b64"]).decode(errors="replace") if isinstance(cell, dict) else str(cell)


def _cell(row: Any, column: str, dtype: str) -> Any:
    feature = row.features.feature[column]
    [value, *_] = getattr(feature, feature.WhichOneof("kind") or "bytes_list").value or [null_cells.BY_DTYPE[dtype]]
    return value.decode(errors="replace") if isinstance(value, bytes) else value
