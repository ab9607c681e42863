import math

import numpy as np
import pytest
from scipy import stats

from components.evaluator import intervals
from components.evaluator.metrics.binary import Binary
from components.evaluator.metrics.regression import Regression
from components.evaluator.sums import folds
from components.evaluator.sums.accumulators import FOLDS, MetricSums, Proportion, Sums

NONE = np.zeros(0)


def sums(count, weight=None, squares=None):
    weight = count if weight is None else weight
    return Sums(count, weight, weight if squares is None else squares, NONE, NONE, NONE)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        # Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_a_share_has_wilsons_interval(count, total, low, high):
    interval = intervals.wilson(Proportion(count, total), sums(total))

    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_equal_weights_change_no_interval_and_unequal_ones_widen_it():
    plain = intervals.wilson(Proportion(8, 20), sums(20))
    heavy = intervals.wilson(Proportion(80, 200), sums(20, 200, 2000))
    unequal = intervals.wilson(Proportion(80, 200), sums(20, 200, 10_000))

    assert (heavy.low, heavy.high) == pytest.approx((plain.low, plain.high))
    assert unequal.low < plain.low < plain.high < unequal.high


def test_the_jackknife_of_a_mean_by_single_rows_is_its_standard_error():
    values = np.random.default_rng(3).gamma(1.0, size=12)
    without = np.array([[np.delete(values, row).mean()] for row in range(12)])
    [error] = intervals.jackknife(np.array([values.mean()]), without, np.full(12, 1 / 12))

    assert error == pytest.approx(values.std(ddof=1) / math.sqrt(12))


def rows(seed, number):
    random = np.random.default_rng(seed)
    label = random.normal(size=number)
    return label, {"prediction": label + random.normal(0.2, 0.5, size=number)}


def test_a_mean_has_an_interval_of_about_its_standard_error(tallied):
    label, answer = rows(1, 4000)
    ledger, _ = tallied(Regression(), label, answer)
    interval = intervals.intervals(Regression(), ledger, 0)
    error = np.abs(answer["prediction"] - label)

    assert interval["mae"].error == pytest.approx(error.std() / math.sqrt(4000), rel=0.4)
    assert interval["mae"].low < error.mean() < interval["mae"].high
    assert interval["mae"].degrees == 19


@pytest.mark.parametrize("number", [40, 400])
def test_intervals_hold_the_truth_nineteen_times_in_twenty(tallied, number):
    """Of 200 samples; 95 % less three deviations of the binomial is 0.904."""
    expected = {"mae": 0.43044, "bias": 0.2}
    held = dict.fromkeys(expected, 0)
    for seed in range(200):
        ledger, _ = tallied(Regression(), *rows(seed, number))
        interval = intervals.intervals(Regression(), ledger, 0)
        for name, truth in expected.items():
            held[name] += interval[name].low <= truth <= interval[name].high

    assert all(0.9 <= count / 200 <= 1.0 for count in held.values())


def test_an_area_has_an_interval_within_its_range(tallied):
    random = np.random.default_rng(5)
    label = random.integers(0, 2, 300)
    positive = np.clip(0.45 * random.random(300) + 0.54 * label, 0, 1).astype(np.float32)
    positive[label.argmax()] = 0.2
    measure = Binary(["no", "yes"], 0.5)
    ledger, _ = tallied(measure, label, {"probabilities": np.stack([1 - positive, positive], axis=1)})
    interval = intervals.intervals(measure, ledger, 0)

    assert measure.values(ledger.sums(0))["auc"] < 1
    assert 0.9 < interval["auc"].low < interval["auc"].high == 1.0
    assert interval["accuracy"].error is None
    assert interval["accuracy"].high < 1


@pytest.mark.parametrize(("number", "expected"), [(1, set()), (3, {"mae", "rmse", "r2", "mse", "bias"})])
def test_one_row_has_no_interval_and_three_have_wide_ones(tallied, number, expected):
    label, answer = rows(8, number)
    ledger, _ = tallied(Regression(), label, answer)
    bounds = intervals.intervals(Regression(), ledger, 0)

    assert set(bounds) >= expected - {"r2"}
    assert all(interval.degrees == number - 1 for interval in bounds.values())


@pytest.mark.parametrize(("number", "degrees"), [(2, 1), (3, 2), (9, 6), (4000, 19)])
def test_an_interval_is_that_of_students_t(tallied, number, degrees):
    ledger, _ = tallied(Regression(), *rows(2, number))
    bias = intervals.intervals(Regression(), ledger, 0)["bias"]

    assert bias.degrees == degrees
    assert (bias.high - bias.low) / 2 == pytest.approx(stats.t.ppf(0.975, degrees) * bias.error, rel=1e-6)


def test_a_metric_that_is_no_number_has_no_interval(tallied):
    _, answer = rows(9, 50)
    ledger, _ = tallied(Regression(), np.zeros(50), answer)
    interval = intervals.intervals(Regression(), ledger, 0)

    assert "r2" not in interval
    assert "mae" in interval


def test_an_area_without_spread_has_no_interval(tallied):
    label = np.arange(300) % 2
    positive = (0.25 + 0.5 * label).astype(np.float32)
    measure = Binary(["no", "yes"], 0.5)
    ledger, _ = tallied(measure, label, {"probabilities": np.stack([1 - positive, positive], axis=1)})
    bounds = intervals.intervals(measure, ledger, 0)

    assert measure.values(ledger.sums(0))["auc"] == 1
    assert "auc" not in bounds
    assert "log_loss" not in bounds, "each row has the same"
    assert bounds["accuracy"].low < bounds["accuracy"].high
    assert all(interval.low < interval.high for interval in bounds.values())


def ledgers(measure, label, answer, group):
    """Sums of single rows, and of groups with their number."""
    key = folds.keys(group, np.ones(len(group), bool), np.arange(len(group)))
    groups, cells = folds.Groups(), np.zeros(len(label), np.int64)
    groups.add(cells, key)
    ledger = MetricSums(measure, 1)
    ledger.add(cells, folds.fold(key), np.ones(len(label)), *measure.rows(label, answer))
    return ledger, groups.count(0)


@pytest.mark.parametrize("times", [1, 20])
def test_repeated_rows_of_a_group_do_not_narrow_the_interval(times):
    label, answer = rows(4, 58)
    group = np.array([f"g{number}".encode() for number in range(58)])
    alone, _ = ledgers(Regression(), label, answer, group)
    repeated = {"prediction": np.repeat(answer["prediction"], times)}
    together, count = ledgers(Regression(), np.repeat(label, times), repeated, np.repeat(group, times))
    single = intervals.intervals(Regression(), alone, 0)
    interval = intervals.intervals(Regression(), together, 0, count)

    assert count == 58
    for name in ("mae", "rmse", "bias"):
        assert (interval[name].low, interval[name].high) == pytest.approx(
            (single[name].low, single[name].high), rel=1e-6
        )


@pytest.mark.parametrize("share", [0.7, 1.0])
def test_a_share_of_groups_is_as_wide_as_that_of_their_number(share):
    random = np.random.default_rng(6)
    right = random.random(400) < share
    label = np.zeros(400, np.int64)
    positive = np.where(right, 0.2, 0.8).astype(np.float32)
    group, measure = np.repeat(np.arange(400), 25), Binary(["no", "yes"], 0.5)
    positive, label = np.repeat(positive, 25), np.repeat(label, 25)
    probabilities = {"probabilities": np.stack([1 - positive, positive], axis=1)}
    ledger, count = ledgers(measure, label, probabilities, group)
    interval = intervals.intervals(measure, ledger, 0, count)["accuracy"]
    expected = intervals.wilson(Proportion(right.sum(), 400), sums(400))
    naive = intervals.intervals(measure, ledger, 0)["accuracy"]

    assert interval.high - interval.low == pytest.approx(expected.high - expected.low, rel=0.4)
    assert naive.high - naive.low < 0.3 * (interval.high - interval.low)


def test_groups_of_one_row_change_no_share():
    label = np.zeros(300, np.int64)
    positive = (np.arange(300) % 3 * 0.4).astype(np.float32)
    measure = Binary(["no", "yes"], 0.5)
    ledger, count = ledgers(
        measure, label, {"probabilities": np.stack([1 - positive, positive], axis=1)}, np.arange(300)
    )

    grouped, alone = (intervals.intervals(measure, ledger, 0, number) for number in (count, None))
    assert grouped["accuracy"] == alone["accuracy"]


@pytest.mark.parametrize(
    "values", [np.array([b"a", b"b", b"a", b""]), np.array([3, 2**53 + 1, 3, 0]), np.array([0.5, 1e300, 0.5, 0.0])]
)
def test_rows_of_a_group_share_a_fold_and_a_row_without_one_stands_alone(values):
    present = np.array([True, True, True, False])
    group_keys = folds.keys(values, present, np.arange(4))
    shifted_keys = folds.keys(values, present, np.arange(4) + 100)

    assert group_keys[0] == group_keys[2] != group_keys[1]
    assert (group_keys == shifted_keys).tolist() == [True, True, True, False]
    assert set(folds.fold(folds.keys(np.arange(400), np.ones(400, bool), np.arange(400)))) == set(range(FOLDS))


def test_many_groups_are_counted_within_a_few_per_cent(monkeypatch):
    monkeypatch.setattr(folds, "MAX_KEYS", 4000)
    groups = folds.Groups()
    for start in range(0, 50_000, 5000):
        numbers = np.arange(start, start + 5000)
        key = folds.keys(numbers // 2, np.ones(5000, bool), numbers)
        groups.add(np.where(numbers % 10 < 8, 0, -1), key)
        groups.add(np.where(numbers < 300, 1, -1), key)

    assert groups.count(0) == pytest.approx(20_000, rel=0.1)
    assert groups.count(2) == 0
