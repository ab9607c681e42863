import math

import numpy as np
import pytest
from sklearn import metrics as sklearn

from components.evaluator.metrics.anomaly import Anomaly


def scored(seed, rows=600, scale=1.0):
    random = np.random.default_rng(seed)
    label = (random.random(rows) < 0.1).astype(np.int64)
    score = (scale * random.lognormal(label * 1.5, 1.0)).astype(np.float32)
    return label, {"score": score, "anomaly": (score > 3 * scale).astype(np.int64)}


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e20])
def test_the_metrics_are_scikit_learns_at_any_scale(values_of, scale):
    label, answer = scored(1, scale=scale)
    values = values_of(Anomaly(None), label, answer, cuts=[50, 300])
    score, flagged = answer["score"].astype(float), answer["anomaly"]

    assert values["auc"] == pytest.approx(sklearn.roc_auc_score(label, score), abs=1e-12)
    assert values["pr_auc"] == pytest.approx(sklearn.average_precision_score(label, score), abs=1e-9)
    assert values["precision"] == pytest.approx(sklearn.precision_score(label, flagged))
    assert values["recall"] == pytest.approx(sklearn.recall_score(label, flagged))
    assert values["flagged"] == pytest.approx(flagged.mean())
    assert values["mean_score"] == pytest.approx(score.mean())


@pytest.mark.parametrize("number", [None, 1, 10, 150, 10_000])
def test_precision_at_k_is_the_share_among_the_highest_scores(values_of, number):
    label, answer = scored(2)
    values = values_of(Anomaly(number), label, answer)
    highest = np.argsort(-answer["score"])[: number or label.sum()]

    assert values["precision_at_k"] == pytest.approx(label[highest].mean())


def test_equal_scores_count_by_their_part(values_of):
    label = np.array([1, 0, 0, 1, 0])
    answer = {"score": np.array([9, 5, 5, 5, 1], np.float32), "anomaly": np.zeros(5, int)}

    assert values_of(Anomaly(2), label, answer)["precision_at_k"] == pytest.approx((1 + 1 / 3) / 2)


def test_a_score_that_is_no_number_leaves_no_metric(values_of):
    label, answer = scored(3)
    answer["score"][5] = np.nan

    assert all(map(math.isnan, values_of(Anomaly(None), label, answer).values()))


def test_no_anomaly_has_no_area_but_a_share_flagged(values_of):
    label, answer = scored(4)
    values = values_of(Anomaly(5), np.zeros_like(label), answer)

    assert all(math.isnan(values[name]) for name in ("auc", "pr_auc", "precision_at_k", "recall"))
    assert values["flagged"] == pytest.approx(answer["anomaly"].mean())


def test_a_label_that_is_neither_counts_for_the_share_flagged_alone(values_of):
    label, answer = scored(5)
    partial_label = label.copy()
    partial_label[:100] = -1
    values = values_of(Anomaly(None), partial_label, answer)

    assert values["auc"] == pytest.approx(
        sklearn.roc_auc_score(label[100:], answer["score"][100:].astype(float)), abs=1e-12
    )
    assert values["flagged"] == pytest.approx(answer["anomaly"].mean())
