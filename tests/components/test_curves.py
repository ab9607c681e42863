"""Areas under curves against scikit-learn, for scores that share a bucket of an equal-width histogram."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

from components.evaluator.metrics.binary import Binary
from components.evaluator.sums import accumulators, curves


def answers(probability):
    return {"probabilities": np.stack([1 - probability, probability], axis=1)}


def values(values_of, label, probability, **options):
    return values_of(Binary(("no", "yes"), 0.5), label, answers(probability), **options)


def rare(seed, base, rows=40_000):
    """Labels whose second class is rare, and probabilities in the right order of magnitude."""
    random = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-(base + random.normal(size=rows))))
    label = (random.random(rows) < probability).astype(np.int64)
    label[:3] = 1
    return label, probability.astype(np.float32)


@pytest.mark.parametrize("base", [-4, -8, -12, -16])
def test_the_auc_of_a_rare_class_is_exact(values_of, base):
    label, probability = rare(1, base)
    metrics = values(values_of, label, probability, cuts=[7, 30_000])

    assert metrics["auc"] == pytest.approx(sklearn.roc_auc_score(label, probability), abs=1e-12)
    assert metrics["pr_auc"] == pytest.approx(sklearn.average_precision_score(label, probability), rel=1e-9)


def test_the_auc_of_answers_all_near_1_is_exact(values_of):
    random = np.random.default_rng(2)
    probability = (1 - 1e-4 * random.random(20_000)).astype(np.float32)
    label = ((random.random(20_000) < 0.5) & (probability > probability.mean())).astype(np.int64)
    metrics = values(values_of, label, probability)

    assert metrics["auc"] == pytest.approx(sklearn.roc_auc_score(label, probability), abs=1e-12)
    assert 0.8 < metrics["auc"] < 0.9


def test_ties_count_half(values_of):
    label, probability = np.array([0, 1, 0, 1]), np.array([0.5, 0.5, 1.0, 0.0], np.float32)

    assert values(values_of, label, probability)["auc"] == pytest.approx(sklearn.roc_auc_score(label, probability))


@pytest.mark.parametrize("base", [-12, -2, 4])
def test_where_there_are_more_scores_than_are_kept_neighbours_are_joined(tallied, monkeypatch, base):
    monkeypatch.setattr(accumulators, "EXACT_SCORES", 30_000)
    monkeypatch.setattr(accumulators, "PENDING", 1)
    label, probability = rare(3, -abs(base))
    if base > 0:
        label, probability = 1 - label, 1 - probability
    measure = Binary(("no", "yes"), 0.5)
    ledger, _ = tallied(measure, label, answers(probability), cuts=range(2_000, 40_000, 2_000))
    sums = ledger.sums(0)

    assert len(sums.bins) <= 30_000
    assert sums.dense(0, 4).sum() == sums.at(4, measure.span)[1].sum() == 40_000
    exact = sklearn.roc_auc_score(label, probability)
    assert measure.values(sums)["auc"] == pytest.approx(exact, abs=1e-3)
    assert measure.values(sums)["auc"] != exact, "nothing was joined"


def test_places_are_in_the_order_of_the_numbers_and_give_them_back():
    random = np.random.default_rng(4)
    tiny = np.float32(1e-45)
    probabilities = np.concatenate(
        [random.random(1000, np.float32), [0, tiny, 0.5, np.nextafter(np.float32(1), np.float32(0)), 1]]
    ).astype(np.float32)
    probabilities.sort()
    places = curves.exact_bin(probabilities)

    assert (np.diff(places) == 0).tolist() == (np.diff(probabilities) == 0).tolist()
    assert (np.diff(places) >= 0).all()
    assert 0 == places[0] < places[-1] == curves.PROBABILITY_BINS - 1
    assert curves.probability_at(places).astype(np.float32).tolist() == probabilities.tolist()


def test_scores_of_minus_0_and_below_0_have_the_place_of_0():
    assert curves.score_bin(np.array([-1.0, -0.0, 0.0, 1e-45, 3e38])).tolist()[:4] == [0, 0, 0, 1]
    assert curves.score_bin(np.array([3e38]))[0] < curves.SCORE_BINS
