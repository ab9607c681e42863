import io
import json
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from models.data import streaming
from models.training import fit, run_fn

FEATURES = {"numeric": [{"column": "living area"}], "categorical": [{"column": "zone"}]}
PRICE = {"column": "price"}
LINEAR = {"name": "linear"}
DIVERGING = {"optimizer": {"name": "sgd", "learning_rate": 1.2}, "batch_size": 64, "epochs": 5}
"""Each step overshoots, so that every epoch is worse than the one before."""


def table(seed, rows):
    random = np.random.default_rng(seed)
    area, zone = random.uniform(50, 200, rows).astype(np.float32), random.choice(["north", "south"], rows)
    price = (1000 * area + 5e4 * (zone == "south") + random.normal(0, 1e3, rows)).astype(np.float32)
    return {"living area": area.tolist(), "zone": zone.tolist(), "price": price.tolist()}


TRAIN, EVALUATION = table(1, 64), table(2, 32)


@pytest.fixture(scope="module")
def arguments(tmp_path_factory, analyze, pack, write_examples):
    """TFX's FnArgs for a folder to export to."""
    base = tmp_path_factory.mktemp("data")
    graph = analyze(base, TRAIN, pack(features=FEATURES, label=PRICE))
    layer = tft.TFTransformOutput(graph).transform_features_layer()
    for name, rows in (("train", TRAIN), ("eval", EVALUATION)):
        transformed = layer({column: tf.constant(cells, shape=(len(cells), 1)) for column, cells in rows.items()})
        write_examples(base / f"{name}.gz", {column: value.numpy()[:, 0] for column, value in transformed.items()})

    def make(folder, **sections):
        sections = {"features": FEATURES, "label": PRICE, "network": LINEAR, **sections}
        return types.SimpleNamespace(
            train_files=[str(base / "train.gz")],
            eval_files=[str(base / "eval.gz")],
            transform_output=graph,
            serving_model_dir=str(folder / "model"),
            model_run_dir=str(folder / "run"),
            custom_config={**pack(**sections), "raw_files": [str(base / "raw.gz")]},
        )

    return make


@pytest.fixture
def run(tmp_path_factory, arguments):
    """Trains; returns the export's folder and the history."""

    def train(**sections):
        folder = tmp_path_factory.mktemp("run")
        run_fn.run_fn(arguments(folder, **sections))
        history = (folder / "run" / run_fn.HISTORY).read_text().splitlines()
        return folder, [json.loads(line) for line in history]

    return train


def predictions(folder):
    """The exported model's answers to the eval rows."""
    answer = tf.saved_model.load(str(folder / "model")).signatures["serving_default"]
    rows = {"living_area": EVALUATION["living area"], "zone": EVALUATION["zone"]}
    return answer(**{name: tf.constant(cells) for name, cells in rows.items()})["prediction"].numpy()


def sample(folder):
    with np.load(folder / "run" / run_fn.SAMPLE) as arrays:
        return dict(arrays)


def eval_loss(folder):
    """The loss of the exported weights, worked out from the answers in the label's own unit."""
    return np.mean((predictions(folder) - EVALUATION["price"]) ** 2) / np.var(TRAIN["price"])


@pytest.mark.parametrize(("memory", "streamed"), [(4.0, 0), (1e-9, 2)], ids=["memory", "files"])
def test_a_learnable_label_is_fitted(run, monkeypatch, memory, streamed):
    calls, batches = [], streaming.batches
    monkeypatch.setattr(streaming, "batches", lambda *args, **keys: calls.append(1) or batches(*args, **keys))
    folder, history = run(
        training={"optimizer": {"learning_rate": 0.1}, "epochs": 40, "batch_size": 16, "memory_gb": memory},
        network={"name": "mlp", "layers": [8]},
    )

    assert len(calls) == streamed, "one split each"

    assert np.abs(predictions(folder) - EVALUATION["price"]).mean() < 0.1 * np.std(EVALUATION["price"])
    assert eval_loss(folder) == pytest.approx(min(line["val_loss"] for line in history), rel=1e-3)


@pytest.mark.parametrize(("early_stopping", "epochs"), [(None, 5), (False, 5), ({"patience": 2}, 3)])
def test_the_best_epochs_weights_are_kept(run, early_stopping, epochs):
    folder, history = run(training={**DIVERGING, "early_stopping": early_stopping})
    losses = [line["val_loss"] for line in history]

    assert [line["epoch"] for line in history] == list(range(1, epochs + 1))
    assert losses == sorted(losses)
    assert losses[-1] > 1.5 * losses[0]
    assert eval_loss(folder) == pytest.approx(losses[0], rel=1e-3)


def test_a_seed_makes_equal_weights_and_another_does_not(run, monkeypatch):
    monkeypatch.setattr(tf.saved_model, "save", lambda *_, **__: None)
    recipe = {"epochs": 3, "batch_size": 16}
    network = {"name": "mlp", "layers": [4], "dropout": 0.3}
    first, repeated, other_seed = (run(training={**recipe, "seed": seed}, network=network) for seed in (7, 7, 8))

    assert sample(repeated[0])["answer:prediction"].tolist() == sample(first[0])["answer:prediction"].tolist()
    assert [line["loss"] for line in repeated[1]] == [line["loss"] for line in first[1]]
    assert (sample(other_seed[0])["answer:prediction"] != sample(first[0])["answer:prediction"]).all()


@pytest.mark.parametrize("rate", [1e12, 1e38])
def test_a_loss_that_is_no_number_stops_the_run_and_names_the_rate(tmp_path, arguments, rate):
    recipe = {**DIVERGING, "optimizer": {"name": "sgd", "learning_rate": rate}}
    with pytest.raises(ValueError, match=r"became (nan|inf) in epoch \d.*lower training\.optimizer\.learning_rate"):
        run_fn.run_fn(arguments(tmp_path, training=recipe))

    assert not (tmp_path / "model").exists()


def test_the_sample_holds_features_and_answers_of_the_first_eval_rows(run, monkeypatch):
    monkeypatch.setattr(run_fn, "SAMPLE_ROWS", 10)
    folder, _ = run(training={"epochs": 1})
    arrays = sample(folder)

    assert {name: array.shape for name, array in arrays.items()} == {
        "living area": (10, 1),
        "zone_index": (10, 1),
        "answer:prediction": (10,),
    }
    np.testing.assert_allclose(arrays["answer:prediction"], predictions(folder)[:10], rtol=1e-5)


def test_the_network_sees_a_vocabulary_with_its_unknown_bucket(arguments, tmp_path, monkeypatch):
    facts_of_calls = []
    monkeypatch.setattr(
        run_fn, "train_network", lambda config, train, rows, facts, **_: facts_of_calls.append(facts) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        run_fn.run_fn(arguments(tmp_path, training={}))

    assert [(output.name, output.depth) for output in facts_of_calls[0].outputs] == [
        ("living area", None),
        ("zone_index", 3),
    ]


def test_the_train_split_is_shuffled_by_the_seed_and_the_eval_split_is_not(run, monkeypatch):
    seeds, batches = [], fit.transformed_records.batches
    monkeypatch.setattr(tf.saved_model, "save", lambda *_, **__: None)
    monkeypatch.setattr(
        fit.transformed_records,
        "batches",
        lambda *args, seed, **keys: seeds.append(seed) or batches(*args, seed=seed, **keys),
    )
    run(training={"epochs": 1, "seed": 11})

    assert seeds == [11, None]


def test_what_training_came_to_is_written_beside_the_history(run):
    folder, history = run(training={"epochs": 2})
    outcome = json.loads((folder / "run" / run_fn.OUTCOME).read_text())

    assert (outcome["keep"], outcome["epochs"], outcome["notes"]) == ("best", 2, [])
    assert outcome["best"] in history
    assert {"rate", "gradients"} < set(history[0])


def test_event_files_for_tensorboard_are_written(run):
    folder, _ = run(training={"epochs": 1})

    assert {path.name for path in (folder / "run" / run_fn.BOARD).iterdir()} == {"train", "validation"}


def test_a_warm_start_begins_with_the_exported_weights(run, arguments, tmp_path):
    folder, history = run(training={"epochs": 5, "optimizer": {"learning_rate": 0.1}})
    meaning = json.loads((folder / "model" / run_fn.MEANING).read_text())
    assert sorted(meaning["features"]["zone_index"]["tokens"]) == ["north", "south"]
    assert meaning["label"]["scale"] == pytest.approx(np.std(TRAIN["price"]), rel=1e-4)

    def begun(name):
        fn_args = arguments(tmp_path / name, training={"epochs": 0, "warm_start": True})
        fn_args.base_model = str(folder / "model")
        run_fn.run_fn(fn_args)
        return json.loads((tmp_path / name / "run" / run_fn.OUTCOME).read_text())

    outcome = begun("again")
    assert outcome["notes"] == ["warm start with 2 of 2 weights of the model that serves"]
    assert outcome["best"]["val_loss"] == pytest.approx(min(line["val_loss"] for line in history))
    prediction = sample(tmp_path / "again")["answer:prediction"]
    np.testing.assert_allclose(prediction, sample(folder)["answer:prediction"], rtol=1e-6)

    (folder / "model" / run_fn.MEANING).unlink()
    [note] = begun("of an earlier version")["notes"]
    assert note.startswith("no warm start: the model that serves does not describe its weights")


def test_intervals_change_neither_weights_nor_predictions_nor_a_warm_start(run, arguments, tmp_path):
    training = {"epochs": 2, "optimizer": {"learning_rate": 0.1}}
    (plain, _), (certain, _) = run(training=training), run(training={**training, "interval": 0.9})
    without_intervals, with_intervals = sample(plain), sample(certain)

    assert set(with_intervals) - set(without_intervals) == {"answer:lower", "answer:upper"}
    for name, values in without_intervals.items():
        np.testing.assert_array_equal(with_intervals[name], values)
    outcome = json.loads((certain / "run" / run_fn.OUTCOME).read_text())
    assert outcome["notes"][-1].startswith("intervals of 90 % from the errors of 32 eval rows: mean width ")
    signatures = tf.saved_model.load(str(plain / "model")).signatures
    assert set(signatures["serving_default"].structured_outputs) == {"prediction"}

    fn_args = arguments(tmp_path, training={"epochs": 0, "warm_start": True, "interval": 0.5})
    fn_args.base_model = str(certain / "model")
    run_fn.run_fn(fn_args)
    outcome = json.loads((tmp_path / "run" / run_fn.OUTCOME).read_text())
    assert outcome["notes"][0] == "warm start with 2 of 2 weights of the model that serves"
    narrow = sample(tmp_path)
    np.testing.assert_allclose(narrow["answer:prediction"], with_intervals["answer:prediction"], rtol=1e-6)
    assert (narrow["answer:upper"] < with_intervals["answer:upper"]).all()


def test_a_split_too_small_for_an_interval_stops_before_training(arguments, tmp_path, monkeypatch):
    monkeypatch.setattr(run_fn, "train_network", lambda *_, **__: 1 / 0)
    with pytest.raises(ValueError, match=r"training\.interval = 0\.99 needs 99 rows in the eval split, and it has 32"):
        run_fn.run_fn(arguments(tmp_path, training={"interval": 0.99}))


def test_arrays_are_kept_under_any_name():
    names = ("file", "args", "kwds", "allow_pickle", "a/b", "x.npy", "größe", "arr_0")
    arrays = {name: np.arange(number) for number, name in enumerate(names)}
    with np.load(io.BytesIO(run_fn._arrays(arrays)), allow_pickle=False) as prediction:
        assert {name: len(value) for name, value in prediction.items()} == {
            name: len(value) for name, value in arrays.items()
        }
