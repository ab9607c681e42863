import math

import numpy as np
import pytest
from sklearn import metrics as sklearn

from components.evaluator import intervals
from components.evaluator.metrics.clustering import Clusters, silhouette


def grouped(seed, rows=300, clusters=3):
    random = np.random.default_rng(seed)
    label = random.integers(0, 4, rows)
    centres = 4 * random.normal(size=(clusters, 2))
    vectors = (centres[label % clusters] + random.normal(size=(rows, 2))).astype(np.float32)
    distances = np.linalg.norm(vectors[:, None] - centres, axis=2).astype(np.float32)
    return label, vectors, {"cluster": distances.argmin(axis=1), "distances": distances}


@pytest.mark.parametrize("cuts", [[], [40, 41]])
def test_adjusted_rand_is_scikit_learns(values_of, cuts):
    label, _, answer = grouped(1)
    values = values_of(Clusters(), label, answer, cuts=cuts)

    assert values["adjusted_rand"] == pytest.approx(sklearn.adjusted_rand_score(label, answer["cluster"]))
    assert values["mean_distance"] == pytest.approx(answer["distances"].min(axis=1).mean())


@pytest.mark.parametrize(
    ("label", "cluster", "expected"),
    [([0, 0, 1, 1], [1, 1, 0, 0], 1.0), ([0, 0, 0, 0], [0, 0, 0, 0], 1.0), ([0, 1, 0, 1], [0, 0, 1, 1], -0.5)],
)
def test_adjusted_rand_of_the_simplest_partitions(values_of, label, cluster, expected):
    answer = {"cluster": np.array(cluster), "distances": np.ones((4, 2))}

    assert values_of(Clusters(), np.array(label), answer)["adjusted_rand"] == pytest.approx(expected)


def test_the_interval_of_adjusted_rand_ends_at_1(tallied):
    label = np.arange(300) % 3
    cluster = label.copy()
    cluster[0] = 1
    ledger, _ = tallied(Clusters(), label, {"cluster": cluster, "distances": np.ones((300, 3))})
    interval = intervals.intervals(Clusters(), ledger, 0)["adjusted_rand"]

    assert interval.low < Clusters().values(ledger.sums(0))["adjusted_rand"] < interval.high == 1


def test_rows_without_a_label_count_for_nothing_in_adjusted_rand(values_of):
    label, _, answer = grouped(2)
    partial_label = np.where(np.arange(300) < 60, -1, label)
    values = values_of(Clusters(), partial_label, answer)

    assert values["adjusted_rand"] == pytest.approx(sklearn.adjusted_rand_score(label[60:], answer["cluster"][60:]))
    assert math.isnan(values_of(Clusters(), np.full(300, -1), answer)["adjusted_rand"])


def test_sizes_and_contingency_are_those_of_the_rows(tallied):
    label, _, answer = grouped(3)
    ledger, _ = tallied(Clusters(), label, answer)
    details = Clusters().details(ledger.sums(0))

    np.testing.assert_array_equal(details["sizes"], np.bincount(answer["cluster"]))
    np.testing.assert_array_equal(details["contingency"], sklearn.cluster.contingency_matrix(answer["cluster"], label))


@pytest.mark.parametrize("clusters", [2, 3, 6])
def test_silhouettes_are_scikit_learns(clusters):
    _, vectors, answer = grouped(4, clusters=clusters)

    expected = sklearn.silhouette_samples(vectors.astype(float), answer["cluster"])
    np.testing.assert_allclose(silhouette(vectors, answer["cluster"]), expected, atol=1e-9)


def test_silhouettes_of_one_cluster_of_single_rows_and_of_equal_rows():
    vectors = np.array([[0.0], [1.0], [5.0]])

    assert np.isnan(silhouette(vectors, np.zeros(3, int))).all()
    assert silhouette(vectors, np.array([0, 0, 1]))[2] == 0
    assert (silhouette(np.zeros((4, 1)), np.array([0, 0, 1, 1])) == 0).all()


def test_a_distance_that_is_no_number_is_no_mean_distance(values_of):
    label, _, answer = grouped(5)
    answer["distances"][7] = np.nan

    assert math.isnan(values_of(Clusters(), label, answer)["mean_distance"])
