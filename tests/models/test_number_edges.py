"""Quantiles of numbers: from the analyzers of the transform graph to the network."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models.data.split_rows import Facts
from models.roles import Features
from models.transform_graph import number_edges
from models.transform_graph.loaded_graph import TransformGraph
from spec.columns.label import Label

ROWS = 1000
RANDOM = np.random.default_rng(1)
TABLE = {
    "far": (1e6 + 1e3 * RANDOM.normal(size=ROWS)).tolist(),
    "few": RANDOM.integers(0, 3, ROWS).tolist(),
    "holes": [None if row % 4 == 0 else float(row) for row in range(ROWS)],
    "day": [f"2014-{1 + row % 12:02d}-15" for row in range(ROWS)],
    "price": RANDOM.normal(size=ROWS).tolist(),
}
FEATURES = {
    "numeric": [{"column": "far"}, {"column": "few"}, {"column": "holes", "missing": "mean"}],
    "date": [{"column": "day", "parts": ["days", "month"]}],
}
LABEL = {"column": "price"}


def read(folder, analyze, pack, **more):
    """Facts, transformed columns by name, and the graph."""
    graph = analyze(folder, TABLE, pack(features=FEATURES, label=LABEL, **more), examples=folder / "made")
    transform = tft.TFTransformOutput(graph)
    constants = TransformGraph(transform)
    facts = Facts.read(transform, Features.model_validate(FEATURES), Label(**LABEL), constants.constant)
    records = list(tf.data.TFRecordDataset(str(folder / "made"), "GZIP"))
    rows = tf.io.parse_example(tf.stack(records), transform.transformed_feature_spec())
    return {output.name: output.edges for output in facts.outputs}, {name: rows[name].numpy() for name in rows}


def test_a_network_gets_the_quantiles_of_the_features_that_it_sees(tmp_path, analyze, pack):
    edges, rows = read(tmp_path / "with", analyze, pack, edges=True)

    assert {name for name, values in edges.items() if values} == {"far", "few", "holes", "day_days"}
    for name, values in edges.items():
        if values:
            assert len(values) == number_edges.COUNT + 1
            exact = np.quantile(rows[name], np.linspace(0, 1, number_edges.COUNT + 1))
            assert (values[0], values[-1]) == (rows[name].min(), rows[name].max())
            # A rank may be off by a thousandth of the rows, here one row.
            ranks = [np.mean(rows[name] <= value) for value in values]
            assert np.all(np.diff(values) >= 0)
            assert np.all(np.array(ranks) >= np.linspace(0, 1, number_edges.COUNT + 1) - 3e-3)
            assert np.corrcoef(exact, values)[0, 1] > 0.999
    without, plain = read(tmp_path / "without", analyze, pack)
    assert not any(without.values())
    for name, column in plain.items():
        np.testing.assert_array_equal(column, rows[name])


def test_a_function_of_the_users_has_quantiles_too(tmp_path, analyze, pack, monkeypatch):
    (tmp_path / "edged_function.py").write_text(
        "import tensorflow as tf\n\n\n"
        "def fn(inputs, custom_config):\n"
        "    x = tf.cast(inputs['few'], tf.float32)\n"
        "    return {'one': x * 2.0, 'two': tf.concat([x, x], axis=1)}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    table = {name: TABLE[name] for name in ("few", "price")}
    packed = pack(features={}, label=LABEL, preprocessing="edged_function.fn", edges=True)
    graph = TransformGraph(tft.TFTransformOutput(analyze(tmp_path, table, packed)))

    edges = number_edges.read(graph.constant, ["one"])
    assert set(edges["one"]) == {0.0, 2.0, 4.0}


@pytest.mark.parametrize("name", ["no_such_name", "few"])
def test_what_no_analyzer_made_is_no_constant(tmp_path, analyze, pack, name):
    table = {key: TABLE[key] for key in ("few", "price")}
    packed = pack(features={"numeric": [{"column": "few"}]}, label=LABEL)

    assert TransformGraph(tft.TFTransformOutput(analyze(tmp_path, table, packed))).constant(name) is None
