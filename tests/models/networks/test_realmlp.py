"""RealMLP: robust scaling, periodic embeddings, and layers that suit a large learning rate."""

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from models.data.split_rows import Facts
from models.layers.periodic_embeddings import PeriodicEmbedding, robust
from models.layers.scaled_layers import FeatureScale, LearnedActivation, ScaledDense
from models.networks import realmlp
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from spec.columns.label import LABEL
from spec.columns.role import Output

RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("quantiles", "median", "factor"),
    [
        ([0, 1, 2, 4, 10], 2, 1 / 3),
        ([0, 5, 5, 5, 8], 5, 1 / 4),
        ([7, 7, 7, 7, 7], 7, 0),
    ],
)
def test_scaling_is_robust(quantiles, median, factor):
    assert robust(list(map(float, quantiles))) == (median, pytest.approx(factor))


def test_a_number_without_quantiles_is_refused():
    with pytest.raises(ValueError, match="keeps no quantiles of its numbers: run the stage transformation again"):
        robust(())


def test_weights_of_an_embedding_start_uniform_within_one_over_the_root_of_the_frequencies():
    layer = PeriodicEmbedding([[0.0, 1.0]] * 50, 64, 9)
    layer.build((None, 50))
    assert layer.frequency.numpy().std() == pytest.approx(0.1, rel=0.1)
    for weight in (layer.kernel, layer.bias):
        assert 0.95 / 8 < np.abs(weight.numpy()).max() <= 1 / 8
        assert weight.numpy().std() == pytest.approx(1 / 8 / np.sqrt(3), rel=0.1)


def test_an_embedding_has_the_clipped_number_and_cosines():
    layer = PeriodicEmbedding([[2.0, 0.5]], 2, 2)
    layer.build((None, 1))
    frequency, phase, kernel, bias = [[0.25, 1.0]], [[0.0, 1.0]], [[[2.0], [3.0]]], [[0.5]]
    layer.set_weights([np.float32(value) for value in (frequency, phase, kernel, bias, [2.0], [0.5])])
    numbers = np.float32([[2.0], [6.0], [1e9]])
    clipped = (numbers[:, 0] - 2) / 2
    clipped = clipped / np.sqrt(1 + (clipped / 3) ** 2)
    cosines = 2 * np.cos(2 * np.pi * 0.25 * clipped) + 3 * np.cos(2 * np.pi * clipped + 1) + 0.5

    np.testing.assert_allclose(layer(numbers), np.stack([clipped, cosines], axis=1), rtol=1e-4)
    assert clipped[2] == pytest.approx(3), "an outlier is clipped"


def test_a_kernel_is_divided_by_the_root_of_its_inputs():
    layer = ScaledDense(3)
    layer.build((None, 16))
    x = RANDOM.normal(size=(5, 16)).astype(np.float32)

    np.testing.assert_allclose(layer(x), x @ np.asarray(layer.kernel) / 4, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (PeriodicEmbedding([[0.0, 1.0], [2.0, 5.0]], 3, 4, name="embedding"), (2,)),
        (FeatureScale(name="scale"), (2,)),
        (ScaledDense(2, name="hidden"), (3,)),
        (LearnedActivation("mish", name="activation"), (3,)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_layers_are_restored_from_their_settings(tmp_path, layer, shape):
    entry = keras.Input(shape)
    model = keras.Model(entry, layer(entry))
    model.set_weights([weight + 0.25 for weight in model.get_weights()])
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    batch = RANDOM.normal(size=(5, *shape)).astype(np.float32)

    np.testing.assert_array_equal(restored(batch), model(batch))
    assert layer.compute_output_shape((None, *shape)) == model.output.shape


def test_a_wave_is_fitted_with_the_settings_of_the_paper():
    x = RANDOM.uniform(-3, 3, (256, 1)).astype(np.float32)
    columns = {"a": x, LABEL: np.sin(3 * x)}
    facts = Facts((Output(name="a", edges=tuple(np.linspace(-3, 3, 241).tolist())),))
    optimizer = {
        "learning_rate": 0.2,
        "beta_2": 0.95,
        "schedule": "coslog",
        "weight_decay": 0.02,
        "weight_decay_exclude": ["*/bias"],
        "weight_decay_schedule": "flat_cosine",
        "learning_rate_factors": {"scale/*": 6.0, "*/bias": 0.1, "embedding/*": 0.1, "activation_*": 0.1},
    }
    training = {"epochs": 30, "batch_size": 64, "optimizer": optimizer, "early_stopping": False}
    network = {"name": "realmlp", "layers": [32, 32], "dropout": 0.0}
    config = TrialConfig.model_validate({"label": {"column": "y"}, "network": network, "training": training})

    assert train_network(config, columns, columns, facts).best["val_loss"] < 0.1


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"activation": "step"}, "activation 'step' has no gradient"),
        ({"activation": "mihs"}, "Did you mean 'mish'"),
        ({"embedding": 1}, "greater than or equal to 2"),
    ],
)
def test_values_that_make_no_network_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        realmlp.Settings(**keys)
