"""Description of a model's requests for clients: its inputs, and a sample request for each signature.

It is written to assets.extra/requests.json of the SavedModel, which TensorFlow ignores, and shown in the model card.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from spec.artifacts import signature_names
from spec.cells import null_cells
from spec.cells.cleaning import Cleaning

_KINDS = {tf.int64: "int64", tf.float32: "float32", tf.string: "string"}
_NULLS: dict[Any, Any] = {tf.int64: null_cells.INTEGER, tf.float32: "NaN", tf.string: null_cells.TEXT.decode()}
"""Dtype -> null cell in JSON."""


def describe(
    inputs: Mapping[str, str],
    raw_spec: Mapping[str, Any],
    row: bytes | None,
    cleaning: Cleaning | None = None,
    encoded: Iterable[str] = (),
) -> dict[str, Any]:
    """Describe the inputs of `serving_default` and `serving_rows`.

    Args:
        inputs: Input name -> column.
        raw_spec: Column -> FixedLenFeature, or VarLenFeature if it may be null.
        row: Serialized tf.Example for the sample requests; None for no samples.
        cleaning: Rules by which cells are written as text; None if the format is not cleaned.
        encoded: Columns that hold encoded images.

    Returns:
        `inputs`: a list of `name`, `column`, `dtype`, `nullable` and, if nullable, `null`, the null cell of the input;
        `samples`: signature -> body of a request to TF Serving's REST API, with NaN as the token `NaN`.
    """
    described: list[dict[str, Any]] = []
    for name, column in inputs.items():
        feature = raw_spec[column]
        nullable = isinstance(feature, tf.io.VarLenFeature)
        entry = {"name": name, "column": column, "dtype": _KINDS[feature.dtype], "nullable": nullable}
        described.append(entry | ({"null": _NULLS[feature.dtype]} if nullable else {}))
    if row is None:
        return {"inputs": described, "samples": {}}
    features = tf.train.Example.FromString(row).features.feature
    cells = {name: _values(features[column]) for name, column in inputs.items()}
    images = set(encoded)
    typed = {name: _typed(values, raw_spec[inputs[name]].dtype) for name, values in cells.items()}
    texts = {
        name: typed[name] if inputs[name] in images else _text(values, inputs[name], cleaning)
        for name, values in cells.items()
    }
    return {
        "inputs": described,
        "samples": {
            signature_names.DEFAULT: {"instances": [typed]},
            signature_names.ROWS: {"signature_name": signature_names.ROWS, "instances": [texts]},
        },
    }


def _values(feature: Any) -> Sequence[Any]:
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


def _typed(values: Sequence[Any], dtype: Any) -> Any:
    if not values:
        return null_cells.NUMBER if dtype == tf.float32 else _NULLS[dtype]
    [value] = values[:1]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    return float(str(np.float32(value))) if isinstance(value, float) else int(value)


def _text(values: Sequence[Any], column: str, cleaning: Cleaning | None) -> str:
    """Format the first value of a cell as a CSV cell; a null as a null value of the column."""
    rules = None if cleaning is None else cleaning.rules(column)
    if not values:
        nulls = ("",) if rules is None or not rules.null_values else rules.null_values
        return "" if "" in nulls else nulls[0]
    [value] = values[:1]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    text = str(np.float32(value)) if isinstance(value, float) else str(value)
    return text if rules is None else text.replace(".", rules.numbers.decimal)
