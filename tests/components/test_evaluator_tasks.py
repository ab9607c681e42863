"""Whole evaluations of each task, by models whose predictions are columns of their rows."""

import json

import numpy as np
import pytest
from sklearn import metrics as sklearn

from .evaluated_rows import CITY, NAMES, binary, slice_of

pytestmark = pytest.mark.usefixtures("small_batches")


def test_rows_count_by_their_weight(judged):
    rows = binary()
    weight = np.random.default_rng(2).gamma(1.0, size=60).astype(np.float32)
    evaluation = judged("binary", {**rows, "w": weight}, names=["no", "yes"], weight="w")
    right = (rows["p1"] > 0.5) == (rows["y"] == 1)

    assert evaluation.verdict["metrics"]["accuracy"] == pytest.approx(np.average(right, weights=weight))
    assert evaluation.verdict["metrics"]["example_count"] == 60


def test_the_worst_rows_carry_the_id(judged):
    rows = {"y": np.arange(30.0, dtype=np.float32), "prediction": np.arange(30.0, dtype=np.float32)}
    rows["prediction"][25] += 9
    rows["house"] = [f"house {row}".encode() for row in range(30)]
    evaluation = judged("regression", rows, types_of={"house": "BYTES"}, identifier="house")

    worst = {"row": 25, "id": "house 25", "label": 25.0, "answer": 34.0, "error": 9.0}
    assert evaluation.verdict["worst"][0] == worst
    assert len(evaluation.verdict["worst"]) == 20


def test_several_classes(judged, load_results):
    random = np.random.default_rng(3)
    label = random.integers(0, 4, 80)
    probabilities = random.dirichlet(np.ones(4), 80).astype(np.float32)
    rows = {f"p{number}": probabilities[:, number] for number in range(4)}
    evaluation = judged(
        "classes", {**rows, "y": label.astype(np.float32)}, names=NAMES, floor={"recall[blue]": 0.0, "macro_f1": 0.0}
    )

    assert evaluation.verdict["blessed"] is True
    assert evaluation.verdict["classes"] == NAMES
    assert evaluation.verdict["metrics"]["macro_f1"] == pytest.approx(
        sklearn.f1_score(label, probabilities.argmax(axis=1), average="macro")
    )
    [(_, plots)] = load_results[0](evaluation.folder).plots
    entries = plots[""][""]["multiClassConfusionMatrixAtThresholds"]["matrices"][0]["entries"]
    assert sum(entry["numWeightedExamples"] for entry in entries) == 80


def test_demands_on_one_class(judged, load_results):
    label = np.arange(40) % 4
    rows = {f"p{number}": np.where(label == number, 0.7, 0.1).astype(np.float32) for number in range(4)}
    rows["y"] = np.where(label == 3, 0, label).astype(np.float32)
    floor = {"precision[red]": 0.9, "precision[grey]": 0.5, "recall[black]": 0.1}
    evaluation = judged("classes", rows, names=NAMES, floor=floor)

    assert [(rule["metric"], rule["ok"]) for rule in evaluation.verdict["rules"]] == [
        ("precision[red]", True),
        ("precision[grey]", False),
        ("recall[black]", False),
    ]
    assert "recall[black] nan does not meet the required 0.1; it is not measured here" in evaluation.verdict["reason"]
    [failures] = [entry.failures for entry in load_results[1](evaluation.folder).metric_validations_per_slice]
    keys = [(failure.metric_key.name, failure.metric_key.sub_key.class_id.value) for failure in failures]
    assert keys == [("precision", 3), ("recall[black]", 0)]
    [spec] = load_results[0](evaluation.folder).config.metrics_specs
    bounds = {metric.config: metric.threshold.value_threshold.lower_bound.value for metric in spec.metrics}
    assert bounds['"name": "precision", "class_id": 0, "top_k": 1'] == 0.9


def test_anomalies(judged):
    random = np.random.default_rng(4)
    label = (np.arange(90) % 9 == 0).astype(np.float32)
    score = random.lognormal(2 * label).astype(np.float32)
    rows = {"y": label, "score": score, "flag": (score > 5).astype(np.float32)}
    evaluation = judged("anomaly", rows, names=["normal", "anomaly"], floor={"auc": 0.6, "flagged": 0.9})

    assert evaluation.verdict["blessed"] is True
    assert evaluation.verdict["metrics"]["auc"] == pytest.approx(sklearn.roc_auc_score(label, score), abs=1e-12)
    assert evaluation.verdict["metrics"]["precision_at_k"] == pytest.approx(label[np.argsort(-score)[:10]].mean())
    assert evaluation.verdict["details"]["k"] == 10


@pytest.fixture
def grouped():
    random = np.random.default_rng(5)
    vectors = (random.normal(size=(70, 2)) + 5 * (np.arange(70)[:, None] % 2)).astype(np.float32)
    distances = np.stack([np.linalg.norm(vectors - centre, axis=1) for centre in (0, 5)], axis=1).astype(np.float32)
    return {
        "v0": vectors[:, 0],
        "v1": vectors[:, 1],
        "d0": distances[:, 0],
        "d1": distances[:, 1],
        "cluster": distances.argmin(axis=1).astype(np.float32),
        "y": (np.arange(70) % 2).astype(np.float32),
        "city": [[b"bern", b"chur"][row % 5 == 0] for row in range(70)],
    }


@pytest.mark.parametrize(("label", "weight"), [("y", None), (None, None), ("y", "times")])
def test_clusters(judged, grouped, label, weight):
    """All rows count alike, whatever their weight."""
    rows = {**grouped, "times": np.linspace(0, 9, 70, dtype=np.float32)}
    evaluation = judged("clusters", rows, types_of={"city": "BYTES"}, slices=CITY, label=label, weight=weight)
    vectors = np.stack([grouped["v0"], grouped["v1"]], axis=1).astype(float)
    expected = sklearn.silhouette_samples(vectors, grouped["cluster"])

    assert evaluation.verdict["metrics"]["silhouette"] == pytest.approx(expected.mean(), rel=1e-6)
    assert slice_of(evaluation.verdict, city="chur")["metrics"]["silhouette"] == pytest.approx(
        expected[::5].mean(), rel=1e-6
    )
    assert (
        evaluation.verdict["intervals"]["silhouette"][0]
        < expected.mean()
        < evaluation.verdict["intervals"]["silhouette"][1]
    )
    assert sum(evaluation.verdict["details"]["sizes"]) == 70
    adjusted_rand = evaluation.verdict["metrics"]["adjusted_rand"]
    if label:
        assert adjusted_rand == pytest.approx(sklearn.adjusted_rand_score(grouped["y"], grouped["cluster"]))
    else:
        assert adjusted_rand is None
        assert "contingency" not in evaluation.verdict["details"]


BROKEN = {"regression": "prediction", "binary": "p1", "classes": "p2", "anomaly": "score", "clusters": "d0"}


@pytest.mark.parametrize("advisory", [False, True])
@pytest.mark.parametrize("task", BROKEN)
def test_no_task_blesses_one_answer_that_is_no_number(judged, load_results, task, advisory):
    columns = ("prediction", "p0", "p1", "p2", "p3", "score", "flag", "cluster", "d0", "d1", "v0", "v1")
    rows = {name: np.full(12, 0.25, np.float32) for name in columns}
    rows["cluster"] = np.zeros(12, np.float32)
    rows["y"] = (np.arange(12) % 2).astype(np.float32)
    rows[BROKEN[task]][5] = np.nan
    names = {"binary": NAMES[:2], "classes": NAMES, "anomaly": ["normal", "anomaly"]}.get(task)
    evaluation = judged(task, rows, names=names, advisory=advisory)

    assert evaluation.verdict["blessed"] is False
    assert "which is not a finite number" in evaluation.verdict["reason"]
    assert evaluation.blessing.get_int_custom_property("blessed") == 0
    assert not load_results[1](evaluation.folder).validation_ok
    assert "NaN" not in json.dumps(evaluation.verdict)


def test_rules_that_only_advise_refuse_nothing(judged, load_results):
    evaluation = judged("binary", binary(), names=["no", "yes"], floor={"accuracy": 1.01}, advisory=True)

    assert evaluation.verdict["blessed"] is True
    assert evaluation.verdict["reason"].startswith("advisory only: accuracy 0.")
    assert evaluation.verdict["rules"][0]["ok"] is False
    assert load_results[1](evaluation.folder).validation_ok


@pytest.mark.parametrize(
    ("baseline_options", "reason"),
    [
        ({"task": "regression", "suffix": ""}, "its outputs are prediction, expected probabilities"),
        ({"names": ["no", "perhaps"]}, r"its classes are ['no', 'perhaps'], those of this model are ['no', 'yes']"),
        ({"suffix": "_gone"}, "cannot read these rows"),
    ],
)
def test_a_baseline_of_another_kind_counts_as_none_and_is_noted(judged, baseline_options, reason):
    evaluation = judged(
        "binary", binary(), names=["no", "yes"], before=baseline_options, baseline=[{"metric": "auc", "tolerance": 0.0}]
    )

    assert evaluation.verdict["blessed"] is True
    assert evaluation.verdict["baseline"] is None
    assert reason in evaluation.verdict["baseline_note"]
    assert "the served model cannot read" in evaluation.verdict["baseline_note"]


@pytest.mark.parametrize(
    "baseline_options", [{"signature": "predict"}, {"task": "binary"}], ids=["signature", "probabilities"]
)
def test_a_baseline_that_answers_in_another_form_counts_as_none(judged, baseline_options):
    rows = {f"p{number}": np.full(8, 0.25, np.float32) for number in range(4)}
    rows["y"] = (np.arange(8) % 4).astype(np.float32)
    evaluation = judged("classes", rows, names=NAMES, before=baseline_options)

    assert evaluation.verdict["blessed"] is True
    assert evaluation.verdict["baseline"] is None
    assert "the served model cannot read" in evaluation.verdict["baseline_note"]


def test_classes_of_the_baseline_in_another_order_are_matched(judged):
    rows = binary()
    evaluation = judged("binary", rows, names=["no", "yes"], before={"names": ["yes", "no"]})

    assert evaluation.verdict["baseline"]["auc"] == pytest.approx(1 - evaluation.verdict["metrics"]["auc"], abs=1e-6)


@pytest.mark.parametrize(("task", "label"), [("regression", [5.0]), ("binary", [1.0, 1.0, 1.0])])
def test_tiny_tables_are_evaluated_and_their_undefined_metrics_are_none(judged, load_results, task, label):
    rows = {"y": np.array(label, np.float32), "prediction": np.ones(len(label), np.float32)}
    rows["p1"] = np.full(len(label), 0.75, np.float32)
    evaluation = judged(task, rows, names=["no", "yes"] if task == "binary" else None)
    metric, number = ("r2", 16.0) if task == "regression" else ("auc", None)

    assert evaluation.verdict["blessed"] is True
    assert evaluation.verdict["metrics"][metric] is None
    assert metric not in evaluation.verdict["intervals"]
    assert load_results[0](evaluation.folder).slicing_metrics
    if number:
        assert evaluation.verdict["metrics"]["mse"] == number


def test_a_baseline_that_knows_a_further_class_is_compared_without_it(judged):
    random = np.random.default_rng(5)
    label = random.integers(0, 3, 60)
    probabilities, baseline_probabilities = random.dirichlet(np.ones(3), 60), random.dirichlet(np.ones(4), 60)
    baseline_probabilities[3] = [0, 0, 0, 1]
    rows = {f"p{number}": probabilities[:, number] for number in range(3)}
    # The baseline's classes stand in another order, the one that is gone second.
    rows |= {f"p{number}_before": baseline_probabilities[:, column] for number, column in enumerate((2, 3, 0, 1))}
    rows = {name: values.astype(np.float32) for name, values in rows.items()} | {"y": label.astype(np.float32)}
    names = ["a", "b", "c"]
    baseline_options = {"names": ["c", "gone", "a", "b"], "suffix": "_before"}
    evaluation = judged(
        "classes", rows, names=names, before=baseline_options, baseline=[{"metric": "log_loss", "tolerance": 0.5}]
    )
    common = baseline_probabilities[:, :3] / np.maximum(baseline_probabilities[:, :3].sum(axis=1, keepdims=True), 1e-9)
    common[3] = 1 / 3

    assert evaluation.verdict["baseline_note"] == (
        "compared with the served model, on the classes of both, without 'gone'"
    )
    assert evaluation.verdict["baseline"]["log_loss"] == pytest.approx(sklearn.log_loss(label, common), rel=1e-4)
    assert evaluation.verdict["baseline"]["accuracy"] == pytest.approx((common.argmax(axis=1) == label).mean())


@pytest.mark.parametrize(
    ("baseline_classes", "lacks"),
    [
        (NAMES[:3], "the class 'grey', so it is wrong on all its rows"),
        (["blue", "red"], "the classes 'green', 'grey', so it is wrong on all their rows"),
    ],
)
def test_a_baseline_that_lacks_a_class_counts_as_none_and_names_the_class(judged, baseline_classes, lacks):
    rows = {f"p{number}": np.full(12, 0.25, np.float32) for number in range(4)}
    evaluation = judged(
        "classes",
        {**rows, "y": (np.arange(12) % 4).astype(np.float32)},
        names=NAMES,
        before={"names": baseline_classes},
    )

    assert evaluation.verdict["baseline"] is None
    assert evaluation.verdict["baseline_note"] == f"not compared: the served model does not know {lacks}"
