"""Analyzers of a matrix give, for each column, what TensorFlow Transform's analyzers give for it alone."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_transform import analyzers, impl_helper

from models.transform_graph import column_analyzers, preprocessing

RANDOM = np.random.default_rng(7)
MATRIX = RANDOM.lognormal(3, 2, (5000, 4))
MATRIX[RANDOM.random(MATRIX.shape) < 0.3] = np.nan
MATRIX[:, 2] = 1e9 + 0.1
MATRIX[:, 3] = np.nan
SCALES = ("z_score", "min_max", "unit", "none")


def run(combiner, matrix, shards=3, coded=lambda part: part):
    """Accumulate a matrix in shards of several batches, and merge these, each after `coded`."""
    parts = []
    for shard in np.array_split(matrix, shards):
        part = combiner.create_accumulator()
        for batch in np.array_split(shard, 2):
            part = combiner.add_input(part, (batch,))
        parts.append(coded(part))
    return combiner.extract_output(combiner.compact(combiner.merge_accumulators(parts)))


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("scale", SCALES)
def test_statistics_of_a_column_ignore_nulls_and_other_columns(place, scale):
    present = MATRIX[:, place][~np.isnan(MATRIX[:, place])]
    mean, shift, unit = (values[place] for values in run(column_analyzers.Moments([scale] * 4), MATRIX))

    if not len(present):
        assert (mean, unit) == (0.0, 1.0 if scale == "none" else 0.0)
        return
    expected = {
        "z_score": (present.mean(), 0.0 if np.ptp(present) == 0.0 else present.std()),
        "min_max": (present.min(), np.ptp(present)),
        "unit": (0.0, present.max()),
        "none": (0.0, 1.0),
    }[scale]
    assert mean == pytest.approx(present.mean(), rel=1e-13)
    assert (shift, unit) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    "combiner",
    [column_analyzers.Moments(SCALES), column_analyzers.ColumnQuantiles(4, 20, 1e-2)],
    ids=["moments", "edges"],
)
def test_the_analyzer_cache_of_the_stock_transform_holds_accumulators(combiner):
    coder = combiner.accumulator_coder
    outputs = run(combiner, MATRIX, coded=lambda part: coder.decode_cache(coder.encode_cache(part)))
    assert outputs[0].size
    for output, expected in zip(outputs, run(combiner, MATRIX), strict=True):
        np.testing.assert_array_equal(output, expected)


def test_a_constant_column_of_many_rows_has_no_scale():
    matrix = np.full((200_000, 2), 0.1) * [1.0, 1e12]
    assert run(column_analyzers.Moments(["z_score"] * 2), matrix)[2].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("count", "error"), [(2, 1e-3), (20, 1e-2)])
def test_quantiles_are_those_of_stock(count, error):
    quantiles = run(column_analyzers.ColumnQuantiles(4, count, error), MATRIX, shards=1)[0]
    for place in range(4):
        stock = analyzers.QuantilesCombiner(count, error, np.float32, output_shape=[1, count - 1])
        sketch = stock.create_accumulator()
        for batch in np.array_split(MATRIX[:, place], 2):
            sketch = stock.add_input(sketch, [batch[~np.isnan(batch)]])
        np.testing.assert_array_equal(quantiles[place], stock.extract_output(stock.compact(sketch))[0][0])


def operations(pack, folder, count, role, **keys):
    """Count the operations of the transform graph of `count` columns."""
    columns = {f"c{number}": tf.TensorSpec([None, 1], tf.float32) for number in range(count)}
    entries = [{"column": column, **keys} for column in columns]
    config = pack(features={role: entries}, label={"column": "y"})
    specs = {"y": tf.TensorSpec([None, 1], tf.float32), **columns}
    graph, _, _ = impl_helper.trace_preprocessing_function(
        lambda inputs: preprocessing.preprocessing_fn(inputs, config), specs, False, folder
    )
    return len([operation for operation in graph.get_operations() if operation.type not in ("Placeholder", "Identity")])


@pytest.mark.parametrize(
    ("role", "keys"),
    [("numeric", {}), ("numeric", {"scale": "log1p", "clip": [0, 9]}), ("bucketized", {"edges": [1, 2]})],
)
def test_a_hundred_columns_of_one_role_cost_as_many_operations_as_two(pack, tmp_path, role, keys):
    counts = [operations(pack, str(tmp_path), count, role, **keys) for count in (2, 100)]
    assert counts[0] == counts[1] < 60


def transformed(pack, columns, **features):
    """Outputs of roles that learn nothing from the data, as flat arrays."""
    config = pack(features=features, label={"column": "price"})
    tensors = {name: tf.constant(cells, shape=(len(cells), 1)) for name, cells in columns.items()}
    function = tf.function(lambda inputs: preprocessing.preprocessing_fn(inputs, config))
    return {name: value.numpy().reshape(-1) for name, value in function({"price": tf.ones((1, 1)), **tensors}).items()}


def test_lists_of_edges_of_different_lengths(pack):
    columns = {"a": [-1.0, 0.5, np.inf], "b": [0.0, 5.0, np.inf]}
    entries = [{"column": "a", "edges": [0]}, {"column": "b", "edges": [0, 1, 2]}]
    features = transformed(pack, columns, bucketized=entries)

    assert (features["a_bucket"].tolist(), features["b_bucket"].tolist()) == ([0, 1, 1], [1, 3, 3])


def test_the_column_of_an_invalid_number_is_named(pack):
    columns = {"a": [1.0, 2.0], "b": [np.nan, 3.0], "c": [4, 5]}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"'b\\' must hold finite numbers; it holds\] \[nan"):
        transformed(pack, columns, numeric=[{"column": name, "scale": "none"} for name in columns])
