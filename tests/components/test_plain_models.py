"""The stage plain-models: what it fits, and its note if it cannot."""

import json
import os
import types

import numpy as np
import pytest

from components.plain_models import background_fit, executor, raw_rows
from spec.file_names import PLAIN

ROWS = 400


def rows(seed, number=ROWS):
    random = np.random.default_rng(seed)
    measures, categories = random.normal(size=number), random.integers(0, 3, number)
    return {
        "n": [None if place % 50 == 0 else float(value) for place, value in enumerate(measures)],
        "c": [b"abc"[value : value + 1] for value in categories],
        "t": [b"some words"] * number,
        "y": [float(np.exp(measure + category)) for measure, category in zip(measures, categories, strict=True)],
        "k": [
            b"high" if measure + category > 1 else b"low"
            for measure, category in zip(measures, categories, strict=True)
        ],
        "w": [1.0 + place % 2 for place in range(number)],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_examples):
    """Examples with a column cache beside the train split, and none beside the test split."""
    path = tmp_path_factory.mktemp("examples")
    write_examples(path / "Split-train" / "data-00000-of-00001.gz", rows(0), beside=True)
    write_examples(path / "Split-test" / "data-00000-of-00001.gz", rows(1, 60))
    import manifest

    shards = {
        "train": [manifest.Shard("Split-train/data-00000-of-00001.gz", ROWS)],
        "test": [manifest.Shard("Split-test/data-00000-of-00001.gz", 60)],
    }
    (path / manifest.FILE).write_text(manifest.dump(manifest.Manifest(shards, [])))
    return path


@pytest.fixture
def fitted(folder, tmp_path):
    """Runs the stage; returns the facts, the predictions by name and the summary."""
    from tfx.types import artifact_utils, standard_artifacts

    def run(kinds, label=None, **settings_given):
        examples, artifact = standard_artifacts.Examples(), standard_artifacts.InferenceResult()
        examples.uri, examples.split_names = str(folder), artifact_utils.encode_split_names(["train", "test"])
        artifact.uri = str(tmp_path / "predictions")
        label = {"column": "y", "transform": "log", **(label or {})}
        kinds_of = {
            "n": "FLOAT",
            "c": "BYTES",
            "t": "BYTES",
            "y": "FLOAT",
            "k": "BYTES",
            "w": "FLOAT",
            "empty": "FLOAT",
        }
        config = {"label": label, "kinds": kinds, "types": kinds_of, **settings_given}
        properties = {"settings": json.dumps({"inline": config}), "code": ""}
        executor.Executor().Do({"examples": [examples]}, {"plain_predictions": [artifact]}, properties)
        facts = json.loads((tmp_path / "predictions" / PLAIN).read_text())
        predictions = {name: np.load(tmp_path / "predictions" / f"{name}.npy") for name in facts["fitted"]}
        return types.SimpleNamespace(
            facts=facts, predictions=predictions, line=artifact.get_string_custom_property("summary")
        )

    return run


@pytest.fixture
def process(monkeypatch, tmp_path):
    """Makes a script the process that fits."""

    def become(script):
        (tmp_path / "script.py").write_text(script)
        monkeypatch.setattr(background_fit, "PROCESS", "script")
        monkeypatch.setattr(background_fit.project, "environment", lambda: {"PYTHONPATH": str(tmp_path)})

    return become


def test_a_regression_is_learned_in_the_logarithm_and_predicted_in_the_unit_of_the_label(fitted):
    result = fitted({"n": "number", "c": "category"}, weight="w")

    label = np.array(rows(1, 60)["y"])
    assert result.line == "linear regression, boosted trees"
    assert result.facts["rows"] == ROWS
    for name, at_least in (("linear", 0.9), ("boosted_trees", 0.7)):
        learned = np.log(result.predictions[name])
        assert np.corrcoef(learned, np.log(label))[0, 1] > at_least, name


def test_classes_are_predicted_as_probabilities_in_the_order_of_their_names(fitted):
    result = fitted(
        {"n": "number", "c": "category"}, {"column": "k", "task": "binary", "positive": "high", "transform": "none"}
    )

    assert result.facts["fitted"] == {key: ["not high", "high"] for key in ("linear", "boosted_trees")}
    high = np.array([cell == b"high" for cell in rows(1, 60)["k"]])
    for probabilities in result.predictions.values():
        assert probabilities.shape == (60, 2)
        assert ((probabilities[:, 1] > 0.5) == high).mean() > 0.85
    assert result.line == "logistic regression, boosted trees"


@pytest.mark.parametrize(
    ("kinds", "options", "line"),
    [
        ({}, {"left_out": ["t"]}, "none: no column of numbers, categories or dates: t holds texts or images"),
        ({}, {}, "none: no column of numbers, categories or dates"),
        ({"empty": "number"}, {}, "none: no column has two or more values in the train split"),
        ({"t": "category"}, {}, "none: no column has two or more values in the train split"),
        ({"n": "number"}, {"split": "eval"}, "none: the split eval has no rows"),
    ],
    ids=["texts", "nothing", "all-missing", "constant", "no-rows"],
)
def test_a_table_that_plain_models_cannot_learn_from_is_no_error(fitted, kinds, options, line):
    result = fitted(kinds, **options)
    assert result.line == line
    assert result.predictions == {}


def test_one_column_is_enough(fitted):
    assert fitted({"n": "number"}).line == "linear regression, boosted trees"


def test_a_label_of_one_class_is_no_error(fitted):
    result = fitted({"n": "number"}, {"column": "t", "task": "classes", "transform": "none"})
    assert result.line == "none: the train split has fewer than two classes"


@pytest.mark.parametrize("stuck", ["while True: pass", "import time; time.sleep(600)"], ids=["computes", "waits"])
def test_a_fit_that_does_not_end_in_time_is_left_out(fitted, process, monkeypatch, stuck):
    process(f"{stuck}\n")
    if stuck.startswith("import"):
        monkeypatch.setattr(background_fit, "_WALL", 1)
    result = fitted({"n": "number"}, seconds=0.2)
    assert result.facts["fitted"] == {}
    assert result.line == "none: not fitted within the 0.2 s of evaluation.plain_seconds"


def test_time_that_other_work_takes_does_not_count(fitted, process):
    process("import time\ntime.sleep(1.5)\nraise SystemExit(7)\n")
    assert fitted({"n": "number"}, seconds=1).line == "none: its process ended with code 7"


def test_what_was_fitted_when_the_process_ended_counts(fitted, process):
    process(
        "import json, sys, numpy\n"
        "numpy.save(sys.argv[1] + '/linear.npy', numpy.ones(60, 'float32'))\n"
        "facts = {'rows': 400, 'columns': 1, 'fitted': {'linear': []}, 'failed': {}}\n"
        "json.dump(facts, open(sys.argv[1] + '/facts.json', 'w'))\n"
        "sys.exit(7)\n"
    )
    result = fitted({"n": "number"})
    assert list(result.predictions) == ["linear"]
    assert result.line == "linear regression; no boosted trees: its process ended with code 7"


def test_predictions_that_are_not_finite_are_no_model(fitted, process):
    process(
        "import json, sys, numpy\n"
        "numpy.save(sys.argv[1] + '/linear.npy', numpy.full(60, numpy.inf, 'float32'))\n"
        "facts = {'rows': 400, 'columns': 1, 'fitted': {'linear': []}, 'failed': {'boosted_trees': 'ValueError: x'}}\n"
        "json.dump(facts, open(sys.argv[1] + '/facts.json', 'w'))\n"
    )
    result = fitted({"n": "number"})
    assert result.line == "no boosted trees: ValueError: x; no linear regression: a prediction is not finite"


def test_a_sample_is_stated(fitted, monkeypatch):
    monkeypatch.setattr(raw_rows, "MAX_VALUES", 200)
    monkeypatch.setattr(raw_rows, "MIN_ROWS_PER_STEP", 100)
    result = fitted({"n": "number"})
    assert result.facts["rows"] == 200
    assert result.line == "linear regression, boosted trees, on 200 of 400 train rows"


def test_too_many_rows_to_predict_are_no_error(fitted, monkeypatch):
    monkeypatch.setattr(raw_rows, "MAX_PREDICTED", 50)
    assert fitted({"n": "number"}).line == "none: the split test has 60 rows, more than 50"


@pytest.fixture
def examples(folder):
    from tfx.types import artifact_utils, standard_artifacts

    artifact = standard_artifacts.Examples()
    artifact.uri, artifact.split_names = str(folder), artifact_utils.encode_split_names(["train", "test"])
    return artifact


def parameter(**settings_given):
    label = {"column": "y", "transform": "log"}
    config = {"label": label, "kinds": {"n": "number"}, "types": {"n": "FLOAT", "y": "FLOAT"}, **settings_given}
    return json.dumps({"inline": config})


def test_the_stage_takes_over_the_fit_that_has_begun_with_its_settings(examples):
    background_fit.begin(examples, parameter())
    [early] = background_fit._begun.values()

    other = background_fit.begun(examples, parameter(split="train"))
    taken = background_fit.begun(examples, parameter())
    again = background_fit.begun(examples, parameter())

    assert taken is early
    assert other is not early
    assert again is not early, "a fit is taken over once"
    assert list(taken.facts()["fitted"]) == ["linear", "boosted_trees"]
    for fit in (other, taken, again):
        fit.close()


def test_close_ends_the_process_of_a_fit_and_removes_its_files(examples, process):
    process("import time\ntime.sleep(600)\n")
    background_fit.begin(examples, parameter())
    [early] = background_fit._begun.values()
    background_fit.close()

    assert early._process.poll() is not None
    assert not os.path.exists(early._folder.name)
    assert background_fit._begun == {}
