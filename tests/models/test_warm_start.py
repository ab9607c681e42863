"""A warm start begins where the earlier model ended, however tokens, scales, classes and columns have moved."""

import keras
import numpy as np
import pytest

from models.training import fit
from models.training.training_config import TrialConfig
from models.warm_start import architecture, carry_over

from .months import FEW, KIND, PRICE, SMALL, SOLD, answers, assert_same, meaning_of, rows_of

SETTLED = {
    "numeric": [
        {"column": "area"},
        {"column": "lot", "scale": "log1p", "clip": [0, 500]},
        {"column": "rooms", "scale": "min_max", "missing": 2.0},
        {"column": "low", "scale": "unit"},
        {"column": "same"},
        {"column": "raw", "scale": "none"},
    ],
    "passthrough": [{"column": "share"}],
    "bucketized": [{"column": "area", "edges": [50, 100]}, {"column": "rooms", "edges": [3, 5], "missing": "category"}],
    "categorical": [
        {"column": "city"},
        {"column": "colour", "oov": 2, "missing": "category"},
        {"column": "size", "categories": ["S", "M", "L"], "encode": "ordinal"},
        {"column": "grade", "categories": ["a", "b", "c"]},
    ],
    "hashed": [{"column": "city", "buckets": 7}, {"column": "grade", "buckets": 5, "dimension": 2}],
    "embedded": [{"column": "city", "dimension": 3}],
    "crossed": [
        {"columns": ["area", "rooms"], "buckets": 20},
        {"columns": ["area", "grade"], "buckets": 30},
        {"columns": ["area", "raw"], "product": True},
    ],
    "text": [
        {"column": "note", "vocabulary_size": 12},
        {"column": "word", "vocabulary_size": 12, "weight": "tfidf", "ngrams": 2},
    ],
    "date": [{"column": "day", "parts": ["year", "month", "days"]}],
}
"""Every role whose features of month 1 can be computed exactly from those of month 2."""
NETWORKS = {
    "linear": {"name": "linear"},
    "clipped": {"name": "linear", "smooth_clip": 3.0},
    "mlp": {"name": "mlp", "layers": [6, 4], "activation": "tanh", "batch_norm": True, "dropout": 0.2},
    "wide_deep": {"name": "wide_deep", "layers": [6], "activation": "tanh"},
}
EMBEDDED = {**FEW, "hashed": [{"column": "grade", "buckets": 5, "dimension": 2}]}
LINEAR = {"name": "linear"}
TABM = {"name": "tabm", "layers": [6], "members": 4, "embedding": 3, "bins": 5}
REALMLP = {"name": "realmlp", "layers": [6, 4], "embedding": 3, "frequencies": 5}
OWN = """
import keras


def build(features, settings):
    vector = features.vector
    if settings.get("bent"):
        vector = keras.activations.tanh(vector)
    return keras.layers.Dense(4, activation="tanh", name="mine")(vector)
"""


@pytest.mark.parametrize("name", NETWORKS)
def test_month_2_begins_where_month_1_ended(month, name):
    first_month, second_month = month(1, SETTLED), month(2, SETTLED)
    previous = first_month.network(NETWORKS[name])
    carried_over = second_month.begun(NETWORKS[name], previous)

    expected = answers(previous, second_month)
    assert np.std(expected["prediction"]) > 1, "the model tells rows apart"
    assert_same(expected, answers(carried_over, second_month))
    total = len(carried_over.network.weights)
    assert carried_over.note.startswith(
        f"warm start with {total} of {total} weights of the model that serves; matched by "
    )
    assert "city_index (2 new, 0 gone)" in carried_over.note
    assert "anew" not in carried_over.note


@pytest.mark.parametrize("network", [TABM, REALMLP], ids=["tabm", "realmlp"])
@pytest.mark.parametrize("label", [PRICE, KIND, SOLD], ids=["number", "classes", "binary"])
def test_embeddings_of_numbers_begin_where_they_ended(month, label, network):
    first_month, second_month = month(1, EMBEDDED, label), month(2, EMBEDDED, label)
    previous = first_month.network(network)
    carried_over = second_month.begun(network, previous)

    expected = answers(previous, second_month)
    assert all(np.std(value) > 0.01 for value in expected.values() if value.dtype.kind == "f")
    if label is KIND:
        expected["probabilities"] = expected["probabilities"][:, ::-1]  # the classes are in another order in month 2
    assert_same(expected, answers(carried_over, second_month))
    total = len(carried_over.network.weights)
    assert carried_over.note.startswith(f"warm start with {total} of {total} weights of the model that serves")


def test_an_ensemble_begins_with_the_members_that_there_were(month):
    first_month, second_month = month(1, FEW), month(2, {**FEW, "numeric": [{"column": "lot"}, *FEW["numeric"]]})
    previous = first_month.network({**TABM, "members": 2})
    carried_over = second_month.begun(TABM, previous)

    carried = rows_of(previous) * previous.target.deviation / carried_over.target.deviation
    np.testing.assert_allclose(rows_of(carried_over)[:2], carried, rtol=1e-4)
    assert not np.isclose(rows_of(carried_over)[2:], carried, rtol=1e-2).any()
    np.testing.assert_allclose(rows_of(carried_over, "hidden_0")[3:9], rows_of(previous, "hidden_0")[:6], rtol=1e-6)
    assert not rows_of(carried_over, "hidden_0")[:3].any(), "the new number counts nothing yet"
    assert "anew" not in carried_over.note
    other_bins = second_month.begun({**TABM, "bins": 6}, previous)
    assert other_bins.note.endswith("anew: embedding (5 bins, now 6)")


def test_training_resumes_from_the_previous_loss(month):
    first_month, second_month = month(1), month(2)

    def learn(data_month, epochs, warm=None):
        training = {"epochs": epochs, "batch_size": 8, "optimizer": {"learning_rate": 0.05}, "keep": "last"}
        config = {**data_month.sections, "network": LINEAR, "training": training}
        return fit.train_network(
            TrialConfig.model_validate(config), data_month.columns, data_month.columns, data_month.facts, warm=warm
        )

    result = learn(first_month, 20)
    arrays = {variable.path: variable.numpy() for variable in result.network.variables}
    result = first_month.network(LINEAR).__class__(network=result.network, target=result.target, month=first_month)
    carried_over = learn(second_month, 0, carry_over.Warm(arrays, meaning_of(result), second_month.meanings))
    scaled = (answers(result, second_month)["prediction"] - carried_over.target.mean) / carried_over.target.deviation

    assert carried_over.notes[0].startswith("warm start with 2 of 2 weights")
    expected = np.mean((scaled - carried_over.target.scale(second_month.columns["label"])[:, 0]) ** 2)
    assert carried_over.best["val_loss"] == pytest.approx(expected, rel=1e-3)
    assert carried_over.best["val_loss"] < 0.5 * learn(second_month, 0).best["val_loss"]


def test_pictures_keep_their_convolutions(month):
    features = {"image": [{"height": 6, "width": 5}], **FEW}
    cnn = {
        "name": "cnn",
        "blocks": [{"filters": 3, "pool": 2, "batch_norm": True}],
        "layers": [4],
        "activation": "tanh",
    }
    first_month, second_month = month(1, features), month(2, features)
    previous = first_month.network(cnn)
    carried_over = second_month.begun({**cnn, "augmentation": {"shift": 0.1}, "dropout": 0.1}, previous)
    assert_same(answers(previous, second_month), answers(carried_over, second_month))

    moved = {**previous.month.meanings, "image_pixels": {"kind": "image", "shape": [6, 6, 1], "width": 36}}
    square = second_month.begun(cnn, previous, features=moved)
    assert "image_pixels has another meaning" in square.note
    assert "anew: convolution_0 (its inputs changed), convolution_0_norm (its inputs changed)" in square.note
    flat = {**SMALL, "layers": [3]}
    previous = first_month.network(flat)
    assert_same(answers(previous, second_month), answers(second_month.begun(flat, previous), second_month))


def test_columns_that_come_begin_at_nothing_and_columns_that_go_leave_the_others(month):
    more_features = {
        **FEW,
        "numeric": [*FEW["numeric"], {"column": "share"}],
        "embedded": [{"column": "grade", "dimension": 2}],
    }
    first_month, second_month = month(1), month(2, more_features)
    previous = first_month.network(SMALL)
    carried_over = second_month.begun(SMALL, previous)
    expected = answers(previous, month(2))
    assert_same(expected, answers(carried_over, second_month))
    assert "share is new" in carried_over.note
    assert carried_over.note.endswith("anew: grade_vector_table (new)")

    more_columns = second_month.network(SMALL)
    carried_over = month(2).begun(SMALL, more_columns)
    assert "share is gone, grade_vector is gone" in carried_over.note
    np.testing.assert_allclose(rows_of(carried_over, "hidden_0")[:2], rows_of(more_columns, "hidden_0")[:2], rtol=1e-4)


def test_a_column_that_is_renamed_is_another(month):
    first_month, second_month = month(1), month(2)
    previous = first_month.network(SMALL)
    kept_meaning = meaning_of(previous)
    renamed = {"surface" if name == "area" else name: meaning for name, meaning in kept_meaning["features"].items()}
    layers = {"surface" if name == "area" else name: layer for name, layer in kept_meaning["layers"].items()}
    layers["features"]["parts"][0][0] = layers["features"]["inputs"][0] = "surface"
    carried_over = second_month.begun(SMALL, previous, features=renamed, layers=layers)

    assert "area is new" in carried_over.note
    assert "surface is gone" in carried_over.note
    assert not rows_of(carried_over, "hidden_0")[0].any()
    assert rows_of(carried_over, "hidden_0")[1].all()


def test_a_column_that_is_scaled_by_another_rule_is_another_number(month):
    bent = {**FEW, "numeric": [{"column": "area", "scale": "log1p"}, {"column": "low", "scale": "min_max"}]}
    previous = month(1).network(SMALL)
    carried_over = month(2, bent).begun(SMALL, previous)

    assert "area has another meaning" in carried_over.note
    assert not rows_of(carried_over, "hidden_0")[0].any()
    scale = month(2, bent).meanings["low"]["scale"] / month(1).meanings["low"]["scale"]
    np.testing.assert_allclose(
        rows_of(carried_over, "hidden_0")[1], rows_of(previous, "hidden_0")[1] * scale, rtol=1e-4
    )


@pytest.mark.parametrize(
    ("changes", "weights_taken", "anew"),
    [
        ({"layers": [6]}, "0 of 4", "; anew: hidden_0 (5 units, now 6), head (its inputs changed)"),
        ({"activation": "relu"}, "0 of 4", "; anew: hidden_0 (its settings changed), head (its inputs changed)"),
        ({"layers": [5, 3]}, "2 of 6", "; anew: hidden_1 (new), head (its inputs changed)"),
        ({"dropout": 0.5, "l2": 0.1, "initializer": "he_normal"}, "4 of 4", ""),
    ],
    ids=["width", "activation", "depth", "training alone"],
)
def test_another_network_is_initialized_from_the_first_layer_that_differs(month, changes, weights_taken, anew):
    previous = month(1).network(SMALL)
    carried_over = month(2).begun({**SMALL, **changes}, previous)

    assert carried_over.note.startswith(
        f"warm start with {weights_taken} weights of the model that serves; matched by meaning: "
    )
    assert carried_over.note.partition("; anew")[2] == anew.removeprefix("; anew")


def test_your_own_network_is_carried_over_where_what_it_reads_can_be_matched(month, tmp_path, monkeypatch):
    (tmp_path / "own_warm.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    first_month, second_month = month(1), month(2)
    for bent in (False, True):
        network = {"name": "own_warm.build", "bent": bent}
        previous = first_month.network(network)
        assert_same(answers(previous, first_month), answers(first_month.begun(network, previous), first_month))
        carried_over = second_month.begun(network, previous)
        if bent:
            assert carried_over.note.endswith("anew: mine (its inputs changed), head (its inputs changed)")
        else:
            assert_same(answers(previous, second_month), answers(carried_over, second_month))


def test_a_model_without_meanings_of_its_weights_gives_no_warm_start(month):
    previous, fresh = month(1).network(SMALL), month(2).network(SMALL, seed=8)
    arrays = {variable.path: variable.numpy() for variable in previous.network.variables}
    start = carry_over.Warm(arrays, None, month(2).meanings)
    weights = fresh.network.get_weights()
    note = fit.warm_start(fresh.network, fresh.module, fresh.target, month(2).label, start)

    assert note.startswith("no warm start: the model that serves does not describe its weights")
    assert all(map(np.array_equal, fresh.network.get_weights(), weights))


def test_buckets_at_quantiles_take_the_weights_of_where_they_lie_now(month):
    features = {"bucketized": [{"column": "low", "quantiles": 5}], "numeric": [{"column": "area"}]}
    low = np.random.default_rng(5).uniform(20, 150, 48)
    first_month, second_month = month(1, features, low=low.tolist()), month(2, features, low=(low * 1.02).tolist())
    previous = first_month.network(LINEAR)
    carried_over = second_month.begun(LINEAR, previous)

    ratio = rows_of(carried_over)[1:6] / rows_of(previous)[1:6]
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)
    assert "1 in another order or with other bounds" in carried_over.note
    moved = {**first_month.meanings["low_bucket"], "edges": [-5.0, -4.0, -3.0, -2.0]}
    carried_over = second_month.begun(LINEAR, previous, features={**first_month.meanings, "low_bucket": moved})
    ratio = rows_of(carried_over)[1:6] / rows_of(previous)[5]
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)


def test_a_hashed_cross_of_tokens_that_moved_means_something_else(month):
    features = {**FEW, "crossed": [{"columns": ["city", "grade"], "buckets": 30}]}
    first_month, second_month = month(1, features), month(2, features)
    previous = first_month.network(LINEAR)
    carried_over = second_month.begun(LINEAR, previous)

    assert "city_x_grade has another meaning" in carried_over.note
    assert not rows_of(carried_over)[-30:].any()
    assert_same(answers(previous, first_month), answers(first_month.begun(LINEAR, previous), first_month))


def test_a_layer_with_a_number_of_numpy_is_described():
    def settings(slope):
        return architecture.settings(keras.layers.LeakyReLU(slope)(keras.Input((3,)))._keras_history.operation)

    assert '"negative_slope": "0.5"' in settings(np.float32(0.5))
    assert settings(np.float32(0.5)) == settings(np.float32(0.5)) != settings(np.float32(0.25))
