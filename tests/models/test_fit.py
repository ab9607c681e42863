import json

import keras
import numpy as np
import pytest

from models.data.split_rows import Facts
from models.training import fit
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from models.warm_start import architecture, carry_over, feature_meanings
from spec.columns.duties import WEIGHT
from spec.columns.label import LABEL, Label
from spec.columns.role import Output
from spec.training import Training

A, B = Output(name="a"), Output(name="b")
FACTS = Facts((A, B))
PRICE = {"column": "price"}
SOLD = {"column": "sold", "task": "binary", "positive": "yes"}
KIND = {"column": "kind", "task": "classes", "classes": ["x", "y", "z"]}
FAST = {"optimizer": {"name": "sgd", "learning_rate": 0.3}, "batch_size": 8, "epochs": 1}


def table(rows, label, **more):
    rows = np.asarray(rows, np.float32)
    return {"a": rows[:, :1], "b": rows[:, 1:2], LABEL: np.asarray(label).reshape(-1, 1), **more}


def noise(seed=1, rows=48):
    return np.random.default_rng(seed).normal(size=(rows, 2))


def trained(label, train, evaluation=None, network=None, facts=FACTS, **more):
    training = {**FAST, **more.pop("training", {})}
    config = {"label": label, "network": {"name": "linear", **(network or {})}, "training": training}
    return train_network(TrialConfig.model_validate(config), train, evaluation or train, facts, **more)


def weights(learnt):
    return [weight.tolist() for weight in learnt.network.get_weights()]


LINE = noise()
NUMBERS = table(LINE, (2 * LINE[:, 0] - LINE[:, 1]).astype(np.float32))
SIDES = table(LINE, (LINE[:, 0] > 0).astype(np.int64))


def test_a_line_is_fitted_and_the_best_epoch_is_returned(tmp_path):
    path = tmp_path / "history.jsonl"
    result = trained(PRICE, NUMBERS, training={"epochs": 8}, history=str(path))

    assert result.best == min(result.history, key=lambda line: line["val_loss"])
    assert result.best["val_loss"] < 0.01
    assert [json.loads(line) for line in path.read_text().splitlines()] == result.history
    assert set(result.history[0]) == (
        {"epoch", "seconds", "rate", "gradients"} | {f"{p}{m}" for p in ("", "val_") for m in ("loss", "mae", "mse")}
    )
    assert set(result.history[0]["gradients"]) == {"head"}


def test_the_columns_stay_as_they_are_and_callbacks_are_called():
    copies = {name: column.copy() for name, column in SIDES.items()}
    epoch_logs = []
    trained(
        SOLD,
        SIDES,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epoch_logs.append(logs))],
    )

    assert set(epoch_logs[0]) >= {"loss", "val_loss", "val_accuracy"}
    for name, column in copies.items():
        np.testing.assert_array_equal(SIDES[name], column)


def test_several_classes_are_separated_and_probabilities_sum_to_one():
    kinds = np.digitize(LINE[:, 0], [-0.5, 0.5])
    result = trained(KIND, table(LINE, kinds), training={"epochs": 40, "optimizer": {"learning_rate": 0.1}})
    answer = result.target.answer(result.network({"a": NUMBERS["a"], "b": NUMBERS["b"]}))

    assert (answer["classes"].numpy().astype(str) == np.array(["x", "y", "z"])[kinds]).mean() > 0.9
    np.testing.assert_allclose(np.sum(answer["probabilities"], axis=1), 1, rtol=1e-6)


def test_rows_without_a_class_are_left_out():
    unknown = table(np.full((9, 2), 50.0), np.full(9, -1))
    with_unknown = {name: np.concatenate([SIDES[name], unknown[name]]) for name in SIDES}

    assert weights(trained(SOLD, with_unknown)) == weights(trained(SOLD, SIDES))


def test_a_row_counts_by_its_weight():
    weight = np.repeat([[1.0], [0.0]], 24, axis=0).astype(np.float32)
    wrong = {**SIDES, LABEL: np.concatenate([SIDES[LABEL][:24], 1 - SIDES[LABEL][24:]]), WEIGHT: weight}
    result = trained(SOLD, wrong, training={"epochs": 20})
    half = {name: column[:24] for name, column in SIDES.items()}

    assert result.best["val_loss"] == pytest.approx(trained(SOLD, half, training={"epochs": 20}).best["val_loss"], 0.5)
    assert trained(SOLD, {**wrong, WEIGHT: np.ones_like(weight)}).best["val_loss"] > 0.5


@pytest.mark.parametrize("weight", [[-1.0] * 48, [0.0] * 48, [np.nan] * 48])
def test_weights_that_count_nothing_are_refused(weight):
    with pytest.raises(ValueError, match=r"columns\.weight: a row's weight must be a number of 0 or more"):
        trained(SOLD, {**SIDES, WEIGHT: np.array(weight, np.float32)[:, None]})


@pytest.mark.parametrize("setting", ["balanced", {"yes": 9.0}])
def test_a_heavier_class_is_found_more_often(setting):
    rare = table(LINE, (LINE[:, 0] > 1.2).astype(np.int64))

    def found(class_weights):
        result = trained(SOLD, rare, training={"epochs": 3, "class_weights": class_weights})
        answer = result.target.answer(result.network({"a": rare["a"], "b": rare["b"]}))
        return float(np.mean(answer["probabilities"][:, 1]))

    assert found(setting) > 1.3 * found(None)


def test_class_weights_move_no_learning_rate():
    even = {"class_weights": {"yes": 1.0, "not yes": 1.0}}
    heavy = {"class_weights": {"yes": 4.0, "not yes": 4.0}}

    assert weights(trained(SOLD, SIDES, training=heavy)) == weights(trained(SOLD, SIDES, training=even))


def test_a_seed_and_determinism_make_equal_weights():
    from tensorflow.python.framework import config as internal

    network = {"name": "mlp", "layers": [4], "dropout": 0.3}
    try:
        first, repeated, other_seed = (
            weights(trained(SOLD, SIDES, network=network, training={"seed": seed, "deterministic": True, "epochs": 3}))
            for seed in (7, 7, 8)
        )
        assert internal.is_op_determinism_enabled()
    finally:
        internal.disable_op_determinism()

    assert repeated == first
    assert other_seed != first


@pytest.mark.parametrize(
    ("label", "table", "loss"),
    [(PRICE, NUMBERS, loss) for loss in ("mae", "huber", "log_cosh", "sum_of_squares")]
    + [(SOLD, SIDES, loss) for loss in ("mse", "focal", "sum_of_squares")],
)
def test_each_loss_moves_the_weights_elsewhere(label, table, loss):
    assert weights(trained(label, table, training={"loss": loss})) != weights(trained(label, table))


def test_a_sum_of_squares_is_the_batchs_squares_times_the_rows():
    mean, summed = (
        trained(PRICE, NUMBERS, training={"loss": loss, "epochs": 0}).best["val_loss"]
        for loss in ("mse", "sum_of_squares")
    )

    assert summed == pytest.approx(8 * mean)


def test_without_epochs_the_network_keeps_its_initial_weights():
    initial_weights = [{"kernel": [[2.0], [-1.0]], "bias": [0.5]}]
    result = trained(SOLD, SIDES, network={"weights": initial_weights}, training={"epochs": 0})

    assert weights(result) == [[[2.0], [-1.0]], [0.5]]
    assert (result.best["epoch"], result.notes) == (0, ("started from network.weights in 1 layers",))


def test_the_last_epochs_weights_are_kept_where_asked_for():
    worse = {"optimizer": {"name": "sgd", "learning_rate": 1.2}, "batch_size": 64, "epochs": 4}
    of_best, of_last = (trained(PRICE, NUMBERS, training={**worse, "keep": keep}) for keep in ("best", "last"))

    assert (of_best.best["epoch"], of_last.best["epoch"]) == (1, 4)
    assert weights(of_best) != weights(of_last)


@pytest.mark.parametrize(
    ("training", "epochs"),
    [
        ({"early_stopping": {"patience": 2, "min_delta": 10.0}}, 3),
        ({"early_stopping": {"patience": 2}}, 12),
        ({"early_stopping": False}, 12),
        ({"early_stopping": {"patience": 3}, "monitor": "val_accuracy", "optimizer": {"learning_rate": 1e-9}}, 4),
    ],
)
def test_training_ends_when_what_is_monitored_gets_no_better(training, epochs):
    result = trained(SOLD, SIDES, training={"epochs": 12, **training})

    assert len(result.history) == epochs


def test_a_plateau_lowers_the_rate():
    schedule = {"name": "plateau", "patience": 1, "factor": 0.1, "min_learning_rate": 1e-4}
    worse = {"optimizer": {"name": "sgd", "learning_rate": 1.2, "schedule": schedule}, "batch_size": 64, "epochs": 8}
    rates = [line["rate"] for line in trained(PRICE, NUMBERS, training=worse).history]

    assert rates[0] == pytest.approx(1.2)
    assert rates[2] == pytest.approx(0.12)
    assert min(rates) >= 1e-4


def test_gradients_are_clipped():
    assert weights(trained(PRICE, NUMBERS, training={"clip": {"norm": 0.01}})) != weights(trained(PRICE, NUMBERS))


def test_a_warm_start_goes_before_the_first_epoch_and_is_noted():
    previous = trained(PRICE, NUMBERS, training={"epochs": 5})
    numbers = {
        name: {"kind": "number", "of": {"column": name}, "shift": 0.0, "scale": 1.0, "width": 1} for name in ("a", "b")
    }
    meaning = {
        "features": numbers,
        "label": feature_meanings.of_label(Label.model_validate(PRICE), previous.target),
        "layers": architecture.describe(previous.network),
    }
    arrays = {variable.path: variable.numpy() for variable in previous.network.variables}
    continued = trained(PRICE, NUMBERS, training={"epochs": 0}, warm=carry_over.Warm(arrays, meaning, numbers))
    lost = trained(PRICE, NUMBERS, training={"epochs": 0}, warm=carry_over.Warm({}, meaning, numbers))

    assert weights(continued) == weights(previous)
    assert continued.notes == ("warm start with 2 of 2 weights of the model that serves",)
    assert lost.notes == ("warm start with 0 of 2 weights of the model that serves; anew: head (new)",)


def test_your_own_network_is_built(tmp_path, monkeypatch):
    (tmp_path / "own_network.py").write_text(
        "import keras\n\n\ndef build(features, settings):\n"
        '    return keras.layers.Dense(settings["units"], name="mine")(features.inputs["a"])\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    result = trained(SOLD, SIDES, network={"name": "own_network.build", "units": 3})

    assert result.network.get_layer("mine").kernel.shape == (1, 3)
    assert list(result.network.input) == ["a"]


def test_your_own_network_that_breaks_names_its_line(tmp_path, monkeypatch):
    (tmp_path / "broken_network.py").write_text("def build(features, settings):\n    return settings['units']\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"broken_network\.build, line 2: KeyError: 'units'"):
        trained(SOLD, SIDES, network={"name": "broken_network.build"})


def test_the_two_programmers_are_put_right_by_training():
    initial_weights = [
        {"kernel": [[-0.04, -0.43, 0.57], [0.04, 0.52, -0.60]], "bias": [-2.03, -0.26, 2.16]},
        {"kernel": [[0.44, 0.19], [-0.04, 1.14], [0.68, 0.85]], "bias": [-0.19, -0.49]},
    ]
    rows = table([[10, 365], [3, 120], [0, 1000]], [0, 0, 1])
    label = {"column": "kind", "task": "classes", "classes": ["good", "bad"]}
    network = {"name": "mlp", "layers": [3], "weights": initial_weights}

    def classes(epochs):
        training = {"epochs": epochs, "optimizer": {"name": "adam", "learning_rate": 0.05}, "early_stopping": False}
        result = trained(label, rows, network=network, training=training)
        return result.target.answer(result.network({"a": rows["a"], "b": rows["b"]}))["classes"].numpy().tolist()

    assert classes(0) == [b"bad", b"bad", b"bad"]
    assert classes(150) == [b"good", b"good", b"bad"]


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"loss": "cross_entropy"}, r"training\.loss 'cross_entropy' does not fit task 'regression': mse or mae"),
        ({"monitor": "val_auc"}, r"training\.monitor 'val_auc' is not measured for task 'regression': loss, mae"),
        ({"class_weights": "balanced"}, r"training\.class_weights has no effect with task 'regression'"),
        ({"label_smoothing": 0.1}, r"training\.label_smoothing has no effect with task 'regression': remove it"),
    ],
)
def test_settings_that_do_not_fit_the_task_are_refused(training, message):
    with pytest.raises(ValueError, match=message):
        Training.model_validate(training).check("regression", None)


def test_a_class_weight_of_no_class_is_refused():
    with pytest.raises(ValueError, match=r"training\.class_weights: 'no' is not a class. Known classes: not yes, yes"):
        Training(class_weights={"no": 1.0}).check("binary", ("not yes", "yes"))
    with pytest.raises(ValueError, match=r"training\.class_weights: 'no' is not a class. Known classes: not yes, yes"):
        trained(SOLD, SIDES, training={"class_weights": {"no": 1.0}})
    with pytest.raises(ValueError, match='class_weights is "balanced", or a table'):
        Training.model_validate({"class_weights": "even"})


def test_outputs_of_rows_in_parts_are_those_of_all(monkeypatch):
    result = trained(PRICE, NUMBERS)
    x = {"a": NUMBERS["a"], "b": NUMBERS["b"]}

    np.testing.assert_allclose(fit.outputs_of(result.network, x, 7), result.network(x), rtol=1e-6)
