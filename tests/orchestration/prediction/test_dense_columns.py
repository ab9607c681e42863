"""Rows of files are predicted from columns, and from tf.Examples where columns cannot express their cells."""

import numpy as np
import pyarrow as pa
import pytest

from components.inference import dense_columns
from components.ingestion.write import example_encoding, record_writer
from spec.cells import null_cells

SCHEMA = {"size": pa.float32(), "rooms": pa.int64(), "area": pa.float32(), "country": pa.string()}
ROWS = {
    "size": [3.5, None, 7.0, 12.0, None],
    "rooms": [2, 3, None, 4, -1],
    "area": [1.0, 2.5, 3.0, 4.0, 5.0],
    "country": ["ZA", None, "BW", "Z\u00fcrich", "never seen"],
}


def batch(**columns):
    arrays = [pa.array(values, SCHEMA[name]) for name, values in (ROWS | columns).items()]
    return pa.RecordBatch.from_arrays(arrays, list(ROWS))


def test_rows_are_predicted_without_tf_examples(model, monkeypatch):
    expected = model._outputs_of_examples(record_writer.cut(example_encoding.examples(batch())))["prediction"]
    monkeypatch.setattr(model, "_outputs_of_examples", None)
    predictions, errors = model.predict(batch())
    np.testing.assert_array_equal(predictions["prediction"], expected)
    assert len(set(expected.tolist())) == len(expected)
    assert not errors


@pytest.mark.parametrize(
    "column",
    [
        {"size": [float("nan"), 1.0, 2.0, 3.0, 4.0]},
        {"size": [None, float("inf"), 2.0, 3.0, 4.0]},
        {"rooms": [null_cells.INTEGER, 1, 2, 3, 4]},
        {"country": ["", "ZA", None, "ZA", "BW"]},
    ],
    ids=["nan", "infinite", "integer", "empty text"],
)
def test_a_cell_that_would_mean_a_null_in_columns_goes_as_a_tf_example(model, monkeypatch, column):
    calls = []
    of_examples = model._outputs_of_examples
    monkeypatch.setattr(model, "_outputs_of_examples", lambda rows: calls.append(len(rows)) or of_examples(rows))
    predictions = model.predict(batch(**column))[0]["prediction"]
    assert calls[0] == 2
    np.testing.assert_array_equal(
        predictions, of_examples(record_writer.cut(example_encoding.examples(batch(**column))))["prediction"]
    )


def test_lists_go_as_tf_examples(model, monkeypatch):
    arrays = [*batch().columns[:3], pa.array([[1.0, 2.0]] * 5, pa.list_(pa.float32(), 2))]
    monkeypatch.setattr(model, "_outputs_of_examples", lambda rows: {"prediction": np.zeros(len(rows), np.float32)})
    predictions, _ = model.predict(pa.RecordBatch.from_arrays(arrays, list(ROWS)))
    np.testing.assert_array_equal(predictions["prediction"], np.zeros(5))


@pytest.mark.parametrize(
    ("kind", "type_", "cells", "expected"),
    [
        ("INT", pa.int64(), [1, None, -3], [1, null_cells.INTEGER, -3]),
        ("INT", pa.bool_(), [True, False, None], [1, 0, null_cells.INTEGER]),
        ("FLOAT", pa.float64(), [1.5, None, 0.1], [1.5, float("nan"), np.float32(0.1)]),
        ("BYTES", pa.string(), ["a", None, "\u00fc"], [b"a", b"", b"\xc3\xbc"]),
        ("BYTES", pa.binary(), [b"\xff", None, b"ab"], [b"\xff", b"", b"ab"]),
    ],
)
def test_a_null_becomes_the_null_cell_of_its_dtype(kind, type_, cells, expected):
    column = pa.array([cells[0], *cells, cells[0]], type_).slice(1, len(cells))
    values = dense_columns.dense(column, kind)
    np.testing.assert_array_equal(values, np.array(expected, values.dtype))
    assert values.dtype == {"INT": np.int64, "FLOAT": np.float32, "BYTES": object}[kind]
    assert dense_columns.is_exact(column, values, kind)
