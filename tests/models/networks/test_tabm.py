"""TabM: embeddings of numbers, members with losses of their own, and one answer."""

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from models.data.split_rows import Facts
from models.layers.members import MemberDense, MemberMean, MemberScale
from models.layers.number_embeddings import PiecewiseLinear, spaced
from models.networks import tabm
from models.training.fit import outputs_of, train_network
from models.training.training_config import TrialConfig
from pipeline.checks import network_checks
from spec.columns.label import LABEL
from spec.columns.role import Output
from spec.training import Training

RANDOM = np.random.default_rng(1)
X = RANDOM.uniform(-3, 3, (256, 2)).astype(np.float32)
EDGES = tuple(np.linspace(-3, 3, 241).tolist())
FACTS = Facts((Output(name="a", edges=EDGES), Output(name="b", edges=EDGES)))
PRICE = {"column": "price"}
SOLD = {"column": "sold", "task": "binary", "positive": "yes"}
KIND = {"column": "kind", "task": "classes", "classes": ["x", "y", "z"]}
WAVE = np.sin(3 * X[:, 0]) + 0.1 * X[:, 1]
LABELS = {
    "number": (PRICE, WAVE.astype(np.float32)),
    "binary": (SOLD, (WAVE > 0).astype(np.int64)),
    "classes": (KIND, np.digitize(WAVE, [-0.5, 0.5])),
}
SMALL = {"name": "tabm", "members": 4, "layers": [16], "embedding": 4, "bins": 24}


def trained(kind, network=SMALL, rows=slice(None), **training):
    label, y = LABELS[kind]
    columns = {"a": X[rows, :1], "b": X[rows, 1:], LABEL: y[rows, None]}
    training = {"epochs": 2, "batch_size": 32, "optimizer": {"learning_rate": 0.02}, **training}
    config = TrialConfig.model_validate({"label": label, "network": network, "training": training})
    return train_network(config, columns, columns, FACTS)


def features():
    return {"a": X[:, :1], "b": X[:, 1:]}


def members_of(network):
    return outputs_of(keras.Model(network.input, network.layers[-1].input), features())


def test_an_embedding_is_linear_in_each_bin_and_beyond_the_outer_edges():
    layer = PiecewiseLinear([[0.0, 1.0, 3.0, 3.0]], 1)
    layer.build((None, 1))
    slope, bias, edges = np.float32([[0.5]]), np.float32([[0.25]]), layer.get_weights()[3]
    layer.set_weights([slope, bias, np.float32([[[10.0], [100.0], [1000.0]]]), edges])
    x = np.array([[-1.0], [0.0], [0.5], [1.0], [2.0], [3.0], [5.0]], np.float32)
    shares = np.array([-1, 0, 0.5, 1, 1, 1, 1]) * 10 + np.array([0, 0, 0, 0, 0.5, 1, 2]) * 100

    np.testing.assert_allclose(layer(x)[:, 0], 0.5 * x[:, 0] + 0.25 + shares, rtol=1e-6)


def test_an_embedding_starts_with_uniform_slopes_and_offsets_and_without_bins():
    layer = PiecewiseLinear([[0.0, 1.0, 2.0]] * 400, 4)
    layer.build((None, 400))
    slope, bias, kernel, _ = layer.get_weights()
    for weight in (slope, bias):
        assert 0.49 < np.abs(weight).max() <= 0.5, "1 / sqrt(4)"
        np.testing.assert_allclose([weight.mean(), weight.std()], [0, 0.5 / 3**0.5], atol=0.04)
    assert not kernel.any()


@pytest.mark.parametrize(
    ("quantiles", "bins", "edges"),
    [
        (range(241), 4, [0, 60, 120, 180, 240]),
        ([0] * 200 + [1] * 41, 4, [0, 1, 1, 1, 1]),
        ([5] * 241, 2, [5, 6, 6]),
        ([1, 2, 3], 4, [1, 2, 3, 3, 3]),
    ],
)
def test_edges_are_quantiles_that_occur_once(quantiles, bins, edges):
    assert spaced(list(map(float, quantiles)), bins) == edges


def test_a_number_without_quantiles_is_refused():
    with pytest.raises(ValueError, match="the transform graph keeps no quantiles of its numbers: run the stage transf"):
        spaced((), 4)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (PiecewiseLinear([[0.0, 1.0], [2.0, 5.0]], 3, name="embedding"), (2,)),
        (MemberScale(3, [1, 1], name="members"), (2,)),
        (MemberDense(5, 2, name="head"), (3,)),
        (MemberMean("classes", name="mean"), (3, 2)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_layers_are_restored_from_their_settings(tmp_path, layer, shape):
    entry = keras.Input(shape)
    model = keras.Model(entry, layer(entry))
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    batch = RANDOM.normal(size=(5, *shape)).astype(np.float32)

    np.testing.assert_array_equal(restored(batch), model(batch))
    assert layer.compute_output_shape((None, *shape)) == model.output.shape
    assert layer.compute_output_shape(batch.shape) == model(batch).shape


def test_members_scale_the_embedding_of_a_number_as_one():
    layer = MemberScale(50, [3, 1])
    layer.build((None, 4))
    scale = np.asarray(layer.scale)

    assert (scale[:, :3] == scale[:, :1]).all()
    assert not np.isclose(scale[:, 0], scale[:, 3]).any()
    assert 0.7 < scale.std() < 1.3


def test_each_member_has_its_own_scale_and_its_own_output_layer():
    scale, dense = MemberScale(2, [1, 1, 1]), MemberDense(2, 4)
    batch = RANDOM.normal(size=(5, 3)).astype(np.float32)
    answers = np.asarray(dense(scale(batch)))

    kernel, bias = dense.get_weights()
    expected = [batch * np.asarray(scale.scale)[member] @ kernel[member] + bias[member] for member in range(2)]
    np.testing.assert_allclose(answers, np.stack(expected, axis=1), rtol=1e-5, atol=1e-6)


def test_a_hidden_layer_multiplies_two_matrices():
    network = trained("number", {**SMALL, "layers": [16, 8]}, epochs=0).network

    assert [network.get_layer(f"hidden_{position}").input.ndim for position in range(2)] == [2, 2]


@pytest.mark.parametrize("kind", LABELS)
def test_the_answer_is_the_mean_of_the_members_answers(kind):
    result = trained(kind)
    answer = result.target.answer(result.network(features()))
    name = "prediction" if kind == "number" else "probabilities"
    outputs = members_of(result.network)
    separate = [result.target.answer(outputs[:, member])[name].numpy() for member in range(4)]

    assert np.std(separate, axis=0).min() > 1e-6, "the members differ"
    np.testing.assert_allclose(answer[name], np.mean(separate, axis=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_in_training_is_the_mean_of_the_members_losses(kind, weighted):
    result = trained(kind, {**SMALL, "dropout": 0.0})
    weight = np.linspace(0, 2, 256).astype(np.float32) if weighted else None
    label, network = result.target.scale(LABELS[kind][1][:, None]), result.network
    loss = network.compute_loss(y=label, y_pred=network(features(), training=True), sample_weight=weight, training=True)
    outputs = members_of(network)
    losses = [float(result.target.loss(label, outputs[:, member], sample_weight=weight)) for member in range(4)]

    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-4)
    ensemble_loss = network.compute_loss(y=label, y_pred=network(features()), sample_weight=weight, training=False)
    assert float(ensemble_loss) < np.mean(losses) - 1e-4, "the answer of all is better than theirs"


def test_metrics_in_training_are_those_of_the_answer_of_all():
    result = trained("binary", {**SMALL, "dropout": 0.0}, optimizer={"name": "sgd", "learning_rate": 1e-9}, epochs=1)

    assert result.history[0]["accuracy"] == pytest.approx(result.history[0]["val_accuracy"])


def test_a_wave_is_fitted_that_few_bins_cannot_represent():
    losses = {
        bins: trained("number", {**SMALL, "bins": bins, "dropout": 0.0}, epochs=25).best["val_loss"] for bins in (1, 24)
    }

    assert losses[24] < 0.1
    assert losses[1] > 2 * losses[24]


def test_members_are_removed_whose_absence_costs_least():
    learnt = trained("number", epochs=3)
    result = trained("number", {**SMALL, "keep_members": 2}, epochs=3)
    outputs = members_of(learnt.network)
    label = learnt.target.scale(LABELS["number"][1][:, None])

    def loss(members):
        return float(np.mean((outputs[:, members].mean(axis=1) - label) ** 2))

    members_left = list(range(4))
    for _ in range(2):
        members_left = min(
            ([member for member in members_left if member != removed] for removed in members_left), key=loss
        )
    np.testing.assert_allclose(members_of(result.network), outputs[:, members_left], rtol=1e-4, atol=1e-5)
    assert result.notes[-1] == (
        f"kept 2 of 4 members: eval loss {loss(members_left):.4g}, with all {loss(list(range(4))):.4g}"
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"members": 0}, "greater than or equal to 1"),
        ({"layers": []}, "at least 1 item"),
        ({"bins": 241}, "less than or equal to 240"),
        ({"keep_members": 8}, "keep_members must be below members = 8: lower it, or remove it"),
    ],
)
def test_values_that_make_no_network_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        tabm.Settings(**keys)


def test_a_picture_is_refused():
    outputs = [Output(name="photo", kind="image", shape=(8, 8, 1))]
    network = network_checks.complete({"name": "tabm"})

    with pytest.raises(ValueError, match="network: tabm does not read images, and 'photo' is one: use cnn, or mlp"):
        network_checks.check(network, "regression", outputs, Training())
