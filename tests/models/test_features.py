import keras
import numpy as np
import pytest

from models import features

DEPTHS = [("zip", 3), ("area", None), ("month", 2), ("lat", None)]
ROWS = {
    "lat": np.array([[47.5], [48.0]], np.float32),
    "zip": np.array([[2], [0]], np.int64),
    "month": np.array([[0], [1]], np.int64),
    "area": np.array([[-1.5], [3.0]], np.float32),
    "not read": np.array([[9.0], [9.0]], np.float32),
}


def test_numbers_and_one_hot_indices_stand_side_by_side_in_the_given_order():
    vector = features.Concatenate(DEPTHS)(ROWS)

    assert vector.dtype == "float32"
    np.testing.assert_array_equal(vector, [[0, 0, 1, -1.5, 1, 0, 47.5], [1, 0, 0, 3.0, 0, 1, 48.0]])


@pytest.mark.parametrize(("depths", "width"), [(DEPTHS, 7), ([("area", None)], 1), ([("zip", 1)], 1)])
def test_width(depths, width):
    layer = features.Concatenate(depths)

    assert layer.width == width
    assert layer.compute_output_shape({name: (None, 1) for name, _ in depths}) == (None, width)


def test_an_index_outside_its_depth_is_all_zeros():
    vector = features.Concatenate([("zip", 3)])({"zip": np.array([[3], [-1]], np.int64)})

    np.testing.assert_array_equal(vector, np.zeros((2, 3)))


def test_inputs_have_the_features_names_and_types():
    made = features.inputs(DEPTHS)

    assert {name: (tensor.shape, tensor.dtype) for name, tensor in made.items()} == {
        "zip": ((None, 1), "int64"),
        "area": ((None, 1), "float32"),
        "month": ((None, 1), "int64"),
        "lat": ((None, 1), "float32"),
    }


def test_a_saved_model_comes_back_with_the_layer(tmp_path):
    inputs = features.inputs(DEPTHS)
    model = keras.Model(inputs, features.Concatenate(DEPTHS, name="features")(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    rows = {name: ROWS[name] for name, _ in DEPTHS}

    assert loaded.get_layer("features").depths == DEPTHS
    np.testing.assert_array_equal(loaded(rows), model(rows))
