import keras
import numpy as np
import pytest
from pydantic import ValidationError

from models.training import optimizers
from spec.training import Clip, Optimizer


def made(clip=None, **keys):
    return optimizers.optimizer(Optimizer(**keys), clip=clip, steps=2, epochs=10)


def rates(steps=21, **schedule):
    """The rate at each step, two steps an epoch."""
    optimizer = made(name="sgd", learning_rate=0.5, schedule=schedule)
    weight, found = keras.Variable(0.0), []
    for _ in range(steps):
        found.append(float(optimizer.learning_rate))
        optimizer.apply([keras.ops.convert_to_tensor(0.0)], [weight])
    return np.array(found)


def moved(clip=None, gradients=(1.0, -0.5, 1.0), **keys):
    """Where three steps take a weight of 1."""
    optimizer, weight = made(clip, **{"learning_rate": 0.25, **keys}), keras.Variable([1.0])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor([gradient])], [weight])
    return float(weight[0])


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop", "adagrad", "adadelta"])
def test_each_optimizer_steps_at_its_rate(name):
    optimizer = made(name=name, learning_rate=0.25)

    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == 0.25


@pytest.mark.parametrize(("name", "nesterov"), [("momentum", False), ("nesterov", True)])
def test_momentum_and_nesterov_are_sgd_with_a_memory(name, nesterov):
    optimizer = made(name=name)

    assert (type(optimizer).__name__, optimizer.momentum, optimizer.nesterov) == ("SGD", 0.9, nesterov)
    assert len({moved(name=name) for name in ("sgd", "momentum", "nesterov")}) == 3


def test_a_gradient_of_two_and_a_half_at_a_hundredth_moves_a_fortieth():
    assert moved(name="sgd", learning_rate=0.01, gradients=[2.5]) == pytest.approx(1 - 0.025)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("momentum", {"momentum": 0.5}),
        ("nesterov", {"momentum": 0.5}),
        ("rmsprop", {"momentum": 0.5}),
        ("rmsprop", {"rho": 0.5}),
        ("adadelta", {"rho": 0.5}),
        ("adam", {"beta_1": 0.5}),
        ("adam", {"beta_2": 0.5}),
        ("adamw", {"weight_decay": 0.5}),
        ("sgd", {"weight_decay": 0.5}),
        ("adagrad", {"learning_rate": 0.5}),
    ],
)
def test_every_parameter_moves_the_weights_elsewhere(name, keys):
    assert moved(name=name, **keys) != moved(name=name)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": "adam", "momentum": 0.5}, "momentum has no effect with optimizer 'adam'.*beta_1.*: remove it"),
        ({"name": "sgd", "momentum": 0.5}, "momentum has no effect with optimizer 'sgd'"),
        ({"schedule": {"name": "cosine", "factor": 0.5}}, "factor has no effect with schedule 'cosine'"),
        ({"schedule": {"name": "plateau", "warm_up": 1}}, "warm_up has no effect with schedule 'plateau'"),
        ({"schedule": {"name": "piecewise"}}, "needs at = "),
        ({"schedule": {"name": "piecewise", "at": [3, 2], "learning_rates": [1, 1]}}, "at must rise"),
        ({"schedule": {"name": "piecewise", "at": [3], "learning_rates": [1, 1]}}, "one entry for each"),
        ({"schedule": "cosin"}, "'constant', 'cosine'"),
    ],
)
def test_keys_that_do_nothing_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        Optimizer(**keys)


def test_a_cosine_falls_to_zero_over_all_steps():
    np.testing.assert_allclose(rates(name="cosine"), 0.25 * (1 + np.cos(np.pi * np.arange(21) / 20)), atol=1e-6)


def test_an_exponential_falls_by_its_factor_each_so_many_epochs():
    np.testing.assert_allclose(rates(name="exponential", factor=0.1, every=5), 0.5 * 0.1 ** (np.arange(21) / 10), 1e-5)


def test_steps_fall_at_once():
    exact = np.repeat([0.5, 0.25, 0.125, 0.0625], 6)[:21]
    np.testing.assert_allclose(rates(name="step", every=3), exact, rtol=1e-6)


def test_pieces_begin_at_their_epochs():
    exact = [0.5] * 4 + [0.1] * 6 + [0.01] * 11
    np.testing.assert_allclose(rates(name="piecewise", at=[2, 5], learning_rates=[0.1, 0.01]), exact, rtol=1e-6)


def test_a_warm_up_rises_to_the_rate_and_no_step_stands_still():
    found = rates(name="constant", warm_up=2)

    np.testing.assert_allclose(found[:5], 0.5 * np.array([1, 2, 3, 4, 5]) / 5, rtol=1e-6)
    assert set(found[5:]) == {0.5}
    assert rates(name="cosine", warm_up=2)[4] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("clip", "exact"),
    [({"value": 2.0}, [2, 2, 2]), ({"norm": 2.5}, [1.5, 2, 2.5]), ({"global_norm": 2.5}, [1.5, 2, 2.5])],
)
def test_a_long_gradient_is_shortened(clip, exact):
    optimizer = made(Clip(**clip), name="sgd", learning_rate=1.0)
    weights = [keras.Variable([0.0, 0.0]), keras.Variable([0.0])]
    optimizer.apply([keras.ops.convert_to_tensor([-3.0, -4.0]), keras.ops.convert_to_tensor([-12.0])], weights)
    found = [*np.asarray(weights[0]), *np.asarray(weights[1])]
    if "global_norm" in clip:
        exact = np.array([3, 4, 12]) * 2.5 / 13

    np.testing.assert_allclose(found, exact, rtol=1e-6)


@pytest.mark.parametrize("clip", [{}, {"norm": 1.0, "value": 1.0}])
def test_one_rule_of_clipping_is_needed(clip):
    with pytest.raises(ValidationError, match="give one of norm, value and global_norm"):
        Clip(**clip)
