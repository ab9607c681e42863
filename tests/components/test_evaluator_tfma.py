"""The evaluator's figures against TFMA's own, on the same rows and answers."""

import numpy as np
import pytest
from google.protobuf import text_format

NAMES = ["red", "green", "blue", "grey"]
CITIES = [b"bern", b"chur"]


@pytest.fixture
def stock():
    """Runs TFMA's evaluation of a table by a config in text form; returns metrics by slice and by sub key."""
    import pandas as pd
    from tensorflow_model_analysis.api.model_eval_lib import analyze_raw_data
    from tensorflow_model_analysis.proto import config_pb2

    def run(table, text):
        with np.errstate(invalid="ignore", divide="ignore"):
            result = analyze_raw_data(pd.DataFrame(table), text_format.Parse(text, config_pb2.EvalConfig()))
        return {key: metrics[""] for key, metrics in result.slicing_metrics}

    return run


@pytest.fixture
def load():
    import tensorflow_model_analysis as tfma

    return tfma.load_eval_result


def value(metric):
    return metric["boundedValue"]["value"] if "boundedValue" in metric else metric["doubleValue"]


@pytest.fixture
def table():
    random = np.random.default_rng(11)
    label = random.integers(0, 2, 160)
    probability = np.clip(0.7 * random.beta(2, 2, 160) + 0.35 * label, 0, 1).astype(np.float32)
    # Where histograms go wrong: 0, 1, the threshold, and rows that share a place.
    probability[:8] = [0.0, 1.0, 0.5, 0.50004, 0.50001, 1.0, 0.30005, 0.30012]
    label[6:8] = [1, 0]
    city = [CITIES[number] for number in random.integers(0, 2, 160)]
    return label, probability, random.gamma(1.0, size=160).astype(np.float32), city


def test_metrics_of_two_classes_are_tfmas_by_slice_and_weight(judged, stock, load, table):
    label, probability, weight, city = table
    rows = {"y": label.astype(np.float32), "p1": probability, "w": weight, "city": city}
    expected = stock(
        {
            "label": label.astype(float),
            "prediction": probability.astype(float),
            "w": weight.astype(float),
            "city": [name.decode() for name in city],
        },
        """
        model_specs { label_key: "label" prediction_key: "prediction" example_weight_key: "w" }
        slicing_specs {} slicing_specs { feature_keys: "city" }
        metrics_specs {
          metrics { class_name: "AUC" config: '"name": "auc"' }
          metrics { class_name: "AUCPrecisionRecall" config: '"name": "pr_auc"' }
          metrics { class_name: "Precision" config: '"name": "precision", "thresholds": 0.4' }
          metrics { class_name: "Recall" config: '"name": "recall", "thresholds": 0.4' }
          metrics { class_name: "BinaryAccuracy" config: '"name": "accuracy", "threshold": 0.4' }
          metrics { class_name: "Calibration" config: '"name": "calibration"' }
          metrics { class_name: "ConfusionMatrixAtThresholds" config: '"name": "matrix", "thresholds": [0.4]' }
        }""",
    )
    evaluation = judged(
        "binary",
        rows,
        names=["no", "yes"],
        types_of={"city": "BYTES"},
        slices=[[{"column": "city", "name": "city"}]],
        weight="w",
        threshold=0.4,
    )
    metrics_of_slices = {key: metrics[""] for key, metrics in load(evaluation.folder).slicing_metrics}

    assert set(metrics_of_slices) == set(expected) == {(), (("city", "bern"),), (("city", "chur"),)}
    for key, metrics in expected.items():
        for name in ("auc", "pr_auc", "precision", "recall", "accuracy", "calibration"):
            # Ours is exact, TFMA's is over 10,000 buckets.
            exact_name = f"tfma_{name}" if name in ("auc", "pr_auc") else name
            assert value(metrics_of_slices[key][""][exact_name]) == pytest.approx(value(metrics[""][name]), rel=1e-6), (
                key,
                name,
            )
            assert value(metrics_of_slices[key][""][name]) == pytest.approx(value(metrics[""][name]), rel=3e-2), (
                key,
                name,
            )
    [matrix] = expected[()][""]["matrix"]["confusionMatrixAtThresholds"]["matrices"]
    [(negatives, false), (missed, positives)] = evaluation.verdict["details"]["confusion"]
    assert (negatives, false, missed, positives) == pytest.approx(
        [matrix[name] for name in ("trueNegatives", "falsePositives", "falseNegatives", "truePositives")]
    )


def test_metrics_of_several_classes_are_tfmas(judged, stock, load):
    random = np.random.default_rng(12)
    label = random.integers(0, 4, 120)
    probabilities = (random.dirichlet(np.ones(4), 120) + 0.3 * np.eye(4)[label]).astype(np.float32)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    weight = random.gamma(1.0, size=120).astype(np.float32)
    expected = stock(
        {
            "label": label,
            "prediction": [row.astype(float).tolist() for row in probabilities],
            "w": weight.astype(float),
        },
        """
        model_specs { label_key: "label" prediction_key: "prediction" example_weight_key: "w" }
        slicing_specs {}
        metrics_specs {
          metrics { class_name: "SparseCategoricalAccuracy" config: '"name": "accuracy"' }
          metrics { class_name: "SparseTopKCategoricalAccuracy" config: '"name": "top_k_accuracy", "k": 2' }
          metrics { class_name: "SparseCategoricalCrossentropy" config: '"name": "log_loss"' }
          metrics { class_name: "Precision" config: '"name": "precision", "class_id": 1, "top_k": 1' }
          metrics { class_name: "Recall" config: '"name": "recall", "class_id": 1, "top_k": 1' }
          metrics {
            class_name: "MultiClassConfusionMatrixAtThresholds"
            config: '"name": "matrix", "thresholds": [0.0]'
          }
        }""",
    )[()]
    rows = {f"p{number}": probabilities[:, number] for number in range(4)}
    evaluation = judged("classes", {**rows, "y": label.astype(np.float32), "w": weight}, names=NAMES, weight="w")
    metrics_of_slices = dict(load(evaluation.folder).slicing_metrics)[()][""]

    for name in ("accuracy", "top_k_accuracy", "log_loss"):
        assert value(metrics_of_slices[""][name]) == pytest.approx(value(expected[""][name]), rel=1e-6), name
    for name in ("precision", "recall"):
        assert value(metrics_of_slices["classId:1 topK:1"][name]) == pytest.approx(
            value(expected["classId:1 topK:1"][name])
        ), name
        assert evaluation.verdict["metrics"][f"{name}[green]"] == pytest.approx(
            value(expected["classId:1 topK:1"][name])
        )
    matrix = np.zeros((4, 4))
    for entry in expected[""]["matrix"]["multiClassConfusionMatrixAtThresholds"]["matrices"][0]["entries"]:
        matrix[entry.get("actualClassId", 0), entry.get("predictedClassId", 0)] = entry["numWeightedExamples"]
    np.testing.assert_allclose(evaluation.verdict["details"]["confusion"], matrix, rtol=1e-6)


def test_tfma_loads_plots_and_intervals(judged, load, table):
    label, probability, _, _ = table
    evaluation = judged("binary", {"y": label.astype(np.float32), "p1": probability}, names=["no", "yes"])
    result = load(evaluation.folder)
    [(key, plots)] = result.plots
    matrices = plots[""][""]["confusionMatrixAtThresholds"]["matrices"]
    buckets = plots[""][""]["calibrationHistogramBuckets"]["buckets"]

    assert key == ()
    assert sum(bucket["numWeightedExamples"] for bucket in buckets) == 160
    middle = next(matrix for matrix in matrices if matrix.get("threshold", 0) == pytest.approx(0.5, abs=1e-3))
    assert middle["truePositives"] == pytest.approx(evaluation.verdict["details"]["confusion"][1][1], abs=2)
    bounded = dict(result.slicing_metrics)[()][""][""]["auc"]["boundedValue"]
    assert [bounded["lowerBound"], bounded["upperBound"]] == pytest.approx(evaluation.verdict["intervals"]["auc"])
