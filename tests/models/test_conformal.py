"""Split-conformal intervals: the quantile, and the share of new rows inside."""

import math

import numpy as np
import pytest

from models.data.split_rows import Facts, Rows
from models.tasks import conformal
from models.tasks.regression_task import LabelScale
from models.training import calibration
from models.training.fit import train_network
from models.training.training_config import TrialConfig
from spec.columns.label import LABEL, Label
from spec.columns.role import Output
from spec.training import Training

EDGES = tuple(np.linspace(-3, 3, 241).tolist())
FACTS = Facts((Output(name="a", edges=EDGES), Output(name="b", edges=EDGES)))
TABM = {"name": "tabm", "members": 4, "layers": [16], "embedding": 4, "bins": 12}
NETWORKS = {
    "linear": {"name": "linear"},
    "mlp": {"name": "mlp", "layers": [16]},
    "realmlp": {"name": "realmlp", "layers": [16]},
    "tabm": TABM,
    "pruned": {**TABM, "keep_members": 2},
    "one member": {**TABM, "members": 1},
}


def table(seed, rows):
    """Rows whose noise grows with `a`; the label is transformed by a logarithm."""
    random = np.random.default_rng(seed)
    x = random.uniform(-3, 3, (rows, 2)).astype(np.float32)
    log = np.sin(x[:, 0]) + 0.3 * x[:, 1] + 0.1 * (1 + np.exp(x[:, 0] / 2)) * random.normal(size=rows)
    return {"a": x[:, :1], "b": x[:, 1:], LABEL: log.astype(np.float32)[:, None]}


def fitted(network, level=0.9, eval_rows=3000, **training):
    """Train on 1,000 rows, and fit an interval on others."""
    label = Label(column="price", transform="log")
    training = Training(interval=level, epochs=3, batch_size=64, optimizer={"learning_rate": 0.02}, **training)
    config = TrialConfig(label=label, network=network, training=training)
    evaluation = table(2, eval_rows)
    result = train_network(config, table(1, 1000), evaluation, FACTS)
    x = {name: evaluation[name] for name in result.network.input}
    rows = Rows(x, result.target.scale(evaluation[LABEL]))
    return result, calibration.fit(result, training, lambda: rows)


def answered(predictor, columns):
    x = {name: columns[name] for name in predictor.network.input}
    return {name: value.numpy() for name, value in predictor.target.answer(predictor.network(x)).items()}


@pytest.mark.parametrize(
    ("rows", "level", "place"),
    [(19, 0.9, 18), (9, 0.9, 9), (8, 0.9, None), (99, 0.9, 90), (100, 0.5, 51), (1, 0.5, 1), (98, 0.99, None)],
)
def test_the_quantile_is_the_smallest_score_that_enough_rows_do_not_exceed(rows, level, place):
    errors = np.random.default_rng(rows).permutation(rows) + 1.0
    signs = np.where(np.arange(rows) % 2, 1, -1)
    interval = conformal.fit((errors * signs)[:, None], np.zeros((rows, 1), np.float32), level)

    assert interval == conformal.Interval(math.inf if place is None else place)
    assert (rows >= conformal.fewest_rows(level)) == (place is not None)


def test_rows_count_by_their_weights():
    errors, weight = np.arange(1.0, 101.0)[:, None], np.where(np.arange(100) < 90, 1, 3) / 1.2
    mixed = np.random.default_rng(1).permutation(100)
    interval = conformal.fit(errors[mixed], np.zeros((100, 1)), 0.8, weight[mixed])

    # 0.8 of 101: the first 90 rows weigh 75, and each of the others 2.5.
    assert interval.quantile == 93
    assert conformal.fit(errors, np.zeros((100, 1)), 0.8, np.ones(100)) == conformal.fit(
        errors, np.zeros((100, 1)), 0.8
    )


def test_rows_with_more_spread_have_wider_intervals():
    outputs = np.array([[0.0, 0.0], [5.0, 1.0], [0.0, 3.0], [1.0, 4.0]], np.float32)
    interval = conformal.fit(np.array([[1.0], [5.0], [0.0], [0.0]]), outputs, 0.75)
    ends = interval.ends(outputs)

    assert interval == conformal.Interval(0.5, offset=2.0), "scores are 1/2, 0, 0 and 1/6"
    np.testing.assert_allclose((ends["upper"] - ends["lower"])[:, 0], [2, 3, 5, 6])
    assert conformal.fit(np.ones((9, 1)), np.zeros((9, 2), np.float32), 0.5) == conformal.Interval(1.0), "no spread"


@pytest.mark.parametrize("name", NETWORKS)
def test_nine_of_ten_new_rows_are_in_an_interval_of_90_percent(name):
    result, predictor = fitted(NETWORKS[name])
    new_rows = table(3, 20_000)
    answer, alone = (
        answered(predictor, new_rows),
        answered(calibration.Predictor(result.network, result.target), new_rows),
    )
    price = np.exp(new_rows[LABEL][:, 0])

    np.testing.assert_array_equal(answer["prediction"], alone["prediction"])
    assert list(alone) == ["prediction"]
    assert (answer["lower"] <= answer["prediction"]).all()
    assert (answer["prediction"] <= answer["upper"]).all()
    assert 0.88 < np.mean((answer["lower"] <= price) & (price <= answer["upper"])) < 0.92
    ratio = answer["upper"] / answer["lower"]
    by_members = name in ("tabm", "pruned")
    assert (ratio.max() > 1.2 * ratio.min()) == by_members, "as wide in logarithms, unless the members differ"
    of_eval = answered(predictor, table(2, 3000))
    width = np.mean(of_eval["upper"] - of_eval["lower"], dtype=float)
    scaled = ", scaled by the members' spread" if by_members else ""
    assert predictor.notes == (f"intervals of 90 % from the errors of 3,000 eval rows{scaled}: mean width {width:.4g}",)


def test_without_the_key_the_network_and_its_target_are_unchanged():
    result, predictor = fitted(NETWORKS["tabm"], level=None)

    assert predictor.network is result.network
    assert predictor.target is result.target
    assert predictor.notes == ()


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_an_eval_split_that_is_too_small_is_refused_before_training(level):
    fewest = {0.9: 9, 0.95: 19}[level]
    calibration.check(Training(interval=level), fewest)
    message = (
        f"training.interval = {level} needs {fewest} rows in the eval split, and it has {fewest - 1}: give eval a "
        "larger share in data.split, lower the interval, or remove it"
    )
    with pytest.raises(ValueError, match=message):
        calibration.check(Training(interval=level), fewest - 1)
    with pytest.raises(ValueError, match=message):
        fitted(NETWORKS["linear"], level=level, eval_rows=fewest - 1)


def test_the_ends_are_in_the_unit_of_the_label():
    target = LabelScale(mean=1.0, deviation=2.0, label=Label(column="p", transform="log"))
    target = LabelScale(**{**vars(target), "interval": conformal.Interval(0.5)})
    answer = target.answer(np.array([[0.25]], np.float32))

    assert {name: float(end[0]) for name, end in answer.items()} == pytest.approx(
        {"prediction": math.exp(1.5), "lower": math.exp(0.5), "upper": math.exp(2.5)}, rel=1e-6
    )
