import keras
import numpy as np
import pytest
import tensorflow as tf

from models.networks import cnn
from models.tasks.classes_task import ClassTarget
from models.tasks.regression_task import LabelScale
from models.training import fit
from spec.columns.label import Label
from spec.columns.role import Output

PHOTO = Output(name="photo", kind="image", shape=(8, 8, 1))
PHOTOS = np.random.default_rng(2).random((16, 8, 8, 1)).astype(np.float32)


def made(outputs=(PHOTO,), target=None, **keys):
    target = target or LabelScale(0.0, 1.0, Label(column="price"))
    return fit.build(outputs, {"name": "cnn", **keys}, target)[0]


def test_the_digits_network_is_the_decks():
    model = made((Output(name="pixels", kind="image", shape=(28, 28, 1)),), ClassTarget(tuple("0123456789")))
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]

    assert [type(layer).__name__ for layer in layers] == (
        ["Conv2D", "Conv2D", "MaxPooling2D", "Dropout", "Flatten", "Dense", "Dropout", "Dense"]
    )
    assert [layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)] == [0.25, 0.5]
    # 32 and 64 filters of 3 x 3, 12 x 12 x 64 values to 128 units, 10 classes: Keras's own example.
    assert model.count_params() == 320 + 18_496 + (12 * 12 * 64 + 1) * 128 + 129 * 10


@pytest.mark.parametrize(
    "change",
    [{"shift": 0.3}, {"rotate": 45}, {"zoom": 0.5}, {"flip": "horizontal"}, {"flip": "vertical"}, {"flip": "both"}],
)
def test_pictures_are_changed_in_training_alone(change):
    keras.utils.set_random_seed(1)
    picture = keras.Input((8, 8, 1))
    settings = cnn.Settings.model_validate({"augmentation": change})
    model = keras.Model(picture, cnn.augmented(picture, settings.augmentation))

    np.testing.assert_array_equal(model(PHOTOS, training=False), PHOTOS)
    changed = np.asarray(model(PHOTOS, training=True))
    assert changed.shape == PHOTOS.shape
    assert (changed != PHOTOS).any()


def test_a_network_that_changes_pictures_in_training_can_be_saved(tmp_path):
    model = made(augmentation={"shift": 0.3, "rotate": 45, "zoom": 0.5, "flip": "both"})
    model.compile("sgd", "mse")
    model.fit({"photo": PHOTOS}, np.zeros((16, 1)), epochs=1, verbose=0)

    module = tf.Module()
    module.network = model
    module.answer = tf.function(
        lambda photo: {"answer": model({"photo": photo}, training=False)},
        input_signature=[tf.TensorSpec((None, 8, 8, 1), tf.float32)],
    )
    tf.saved_model.save(module, str(tmp_path), signatures=module.answer)
    served = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](tf.constant(PHOTOS))["answer"]
    np.testing.assert_allclose(served, model({"photo": PHOTOS}, training=False), rtol=1e-5)

    layer = model.get_layer("augmentation")
    restored = type(layer).from_config(layer.get_config())
    assert [inner.name for inner in restored.inner] == ["shift", "rotate", "zoom", "flip"]


@pytest.mark.parametrize(("block", "layer"), [("pool", "pool_0"), ("dropout", "convolution_0_dropout")])
def test_a_block_has_what_it_names(block, layer):
    value = {"pool": 2, "dropout": 0.5}[block]
    plain, changed = (made(blocks=[{"filters": 2, **more}]) for more in ({}, {block: value}))

    assert {added.name for added in changed.layers} - {added.name for added in plain.layers} == {layer}


def test_a_block_is_normalized_before_its_activation():
    model = made(blocks=[{"filters": 2, "kernel": 5, "batch_norm": True}])
    names = [layer.name for layer in model.layers]

    assert model.get_layer("convolution_0").kernel.shape == (5, 5, 1, 2)
    assert names[names.index("convolution_0") :][:3] == (
        ["convolution_0", "convolution_0_norm", "convolution_0_activation"]
    )
    assert "hidden_0_norm" not in names
