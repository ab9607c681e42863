"""Null cells: every part that writes or reads a dense tensor of cells takes the same values for nulls."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.export import request_guide
from models.transform_graph import raw_columns
from serving.explanation import background
from serving.server.row_log import logged_columns
from spec.cells import null_cells

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("dtype", null_cells.BY_DTYPE)
def test_a_null_cell_is_a_null_to_the_model_the_log_the_background_and_the_guide(dtype):
    null = null_cells.BY_DTYPE[dtype]
    value = {"int64": 7, "float32": 0.5, "string": b"a"}[dtype]
    dense = tf.constant([null, value], dtype)

    assert raw_columns.sparsify(dense).values.numpy().tolist() == [value]
    assert logged_columns._joined([dense.numpy()]).is_null().to_pylist() == [True, False]
    np.testing.assert_equal(background._array([None], dtype).tolist(), [null])
    spec = {"column": tf.io.VarLenFeature(tf.dtypes.as_dtype(dtype))}
    [entry] = request_guide.describe({"column": "column"}, spec, row=None)["inputs"]
    assert entry["null"] == ("NaN" if dtype == "float32" else "" if dtype == "string" else null)


def test_the_playground_and_the_documentation_have_the_same_null_of_integers():
    page = (ROOT / "serving" / "server" / "playground" / "page.js").read_text()
    assert f'NULL_INTEGER = "{null_cells.INTEGER}"' in page
    assert f"{null_cells.INTEGER}, the smallest 64-bit integer" in (
        ROOT / "docs" / "reference" / "configuration" / "formats.md"
    ).read_text().replace("\n", " ")
