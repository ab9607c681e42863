import keras
import numpy as np
import pytest

from models.layers import feature_inputs
from spec.columns.role import Output

DEPTHS = [("zip", 3), ("area", None), ("month", 2), ("lat", None)]
ROWS = {
    "lat": np.array([[47.5], [48.0]], np.float32),
    "zip": np.array([[2], [0]], np.int64),
    "month": np.array([[0], [1]], np.int64),
    "area": np.array([[-1.5], [3.0]], np.float32),
    "not read": np.array([[9.0], [9.0]], np.float32),
}


def test_numbers_and_one_hot_indices_stand_side_by_side_in_the_given_order():
    vector = feature_inputs.Concatenate(DEPTHS)(ROWS)

    assert vector.dtype == "float32"
    np.testing.assert_array_equal(vector, [[0, 0, 1, -1.5, 1, 0, 47.5], [1, 0, 0, 3.0, 0, 1, 48.0]])


@pytest.mark.parametrize(("depths", "width"), [(DEPTHS, 7), ([("area", None)], 1), ([("zip", 1)], 1)])
def test_width(depths, width):
    assert feature_inputs.Concatenate(depths).compute_output_shape({name: (None, 1) for name, _ in depths}) == (
        None,
        width,
    )


def test_several_numbers_of_one_feature_stay_side_by_side():
    layer = feature_inputs.Concatenate([("bag", None), ("zip", 2)])
    rows = {"bag": np.array([[1, 2, 3]], np.float32), "zip": np.array([[1]], np.int64)}

    assert layer.compute_output_shape({"bag": (None, 3), "zip": (None, 1)}) == (None, 5)
    np.testing.assert_array_equal(layer(rows), [[1, 2, 3, 0, 1]])


def test_an_index_outside_its_depth_is_all_zeros():
    vector = feature_inputs.Concatenate([("zip", 3)])({"zip": np.array([[3], [-1]], np.int64)})

    np.testing.assert_array_equal(vector, np.zeros((2, 3)))


OUTPUTS = [
    Output(name="area"),
    Output(name="zip", kind="index", depth=3),
    Output(name="agent", kind="index", depth=5, dimension=2),
    Output(name="words", kind="bag", depth=4),
    Output(name="photo", kind="image", shape=(2, 3, 1)),
]
SEEN = {
    "area": np.array([[1.5], [2.0]], np.float32),
    "zip": np.array([[2], [-1]]),
    "agent": np.array([[4], [-1]]),
    "words": np.array([[1, 0, 2, 0], [0, 0, 0, 1]], np.float32),
    "photo": np.arange(12, dtype=np.float32).reshape(2, 2, 3, 1) / 12,
}


def form(name):
    """Return one of the forms for two rows, and the table of the embedding."""
    feature_columns = feature_inputs.FeatureInputs(OUTPUTS)
    inputs = getattr(feature_columns, name)
    model = keras.Model(feature_columns.used(), inputs)
    table = [weight.numpy() for weight in model.weights]
    return np.asarray(model({name: SEEN[name] for name in model.input})), table[0] if table else None


def test_inputs_have_the_features_names_shapes_and_types():
    inputs = feature_inputs.FeatureInputs(OUTPUTS).inputs

    assert {name: (tensor.shape, tensor.dtype) for name, tensor in inputs.items()} == {
        "area": ((None, 1), "float32"),
        "zip": ((None, 1), "int64"),
        "agent": ((None, 1), "int64"),
        "words": ((None, 4), "float32"),
        "photo": ((None, 2, 3, 1), "float32"),
    }


def test_the_vector_holds_every_kind_in_order_and_an_unknown_index_as_zeros():
    vector, table = form("vector")

    assert table.shape == (5, 2)
    np.testing.assert_array_equal(vector[0], [1.5, 0, 0, 1, *table[4], 1, 0, 2, 0, *SEEN["photo"][0].ravel()])
    np.testing.assert_array_equal(vector[1], [2, 0, 0, 0, 0, 0, 0, 0, 0, 1, *SEEN["photo"][1].ravel()])


def test_the_untrained_vector_has_embedded_indices_one_hot():
    vector, table = form("untrained")

    assert table is None
    np.testing.assert_array_equal(vector[0, :9], [1.5, 0, 0, 1, 0, 0, 0, 0, 1])
    assert vector.shape == (2, 1 + 3 + 5 + 4 + 6)


def test_wide_holds_indices_and_deep_the_rest_but_pictures():
    wide, _ = form("wide")
    deep, table = form("deep")

    np.testing.assert_array_equal(wide, [[0, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(deep, [[1.5, *table[4], 1, 0, 2, 0], [2, 0, 0, 0, 0, 0, 1]])


def test_pictures_stand_apart_from_what_is_beside_them():
    beside, table = form("beside_images")

    np.testing.assert_array_equal(beside[0], [1.5, 0, 0, 1, *table[4], 1, 0, 2, 0])
    assert [tensor.shape for tensor in feature_inputs.FeatureInputs(OUTPUTS).images] == [(None, 2, 3, 1)]


def test_a_form_of_nothing_is_none():
    feature_columns = feature_inputs.FeatureInputs(OUTPUTS[:1])

    assert (feature_columns.wide, feature_columns.images) == (None, [])
    assert feature_inputs.FeatureInputs(OUTPUTS[4:]).beside_images is None


def test_a_saved_model_comes_back_with_the_layer(tmp_path):
    feature_columns = feature_inputs.FeatureInputs(OUTPUTS)
    model = keras.Model(feature_columns.inputs, feature_columns.vector)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")

    assert loaded.get_layer("features").depths == model.get_layer("features").depths
    np.testing.assert_array_equal(loaded(SEEN), model(SEEN))
