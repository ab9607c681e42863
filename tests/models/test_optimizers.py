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
    weight, rates_seen = keras.Variable(0.0), []
    for _ in range(steps):
        rates_seen.append(float(optimizer.learning_rate))
        optimizer.apply([keras.ops.convert_to_tensor(0.0)], [weight])
    return np.array(rates_seen)


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


def test_a_flat_cosine_is_constant_for_the_first_half_of_the_steps():
    by_step = rates(name="flat_cosine")

    np.testing.assert_allclose(by_step[:11], 0.5)
    np.testing.assert_allclose(by_step[11:], 0.25 * (1 + np.cos(np.pi * np.arange(1, 11) / 10)), atol=1e-6)


def test_coslog_rises_and_falls_four_times():
    progress = np.arange(21) / 20
    by_step = rates(name="coslog")

    np.testing.assert_allclose(by_step, 0.25 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * progress))), atol=1e-6)
    assert by_step[0] == by_step[-1] == pytest.approx(0, abs=1e-6)


def grouped(**keys):
    """Where two steps with a gradient of 1 take a kernel and a bias of 1."""
    kernel, bias = keras.Variable([1.0], name="kernel"), keras.Variable([1.0], name="bias")
    settings = Optimizer(**{"name": "sgd", "learning_rate": 0.1, **keys})
    optimizer = optimizers.optimizer(settings, clip=None, steps=1, epochs=2, weights=[kernel, bias])
    for _ in range(2):
        optimizer.apply([keras.ops.convert_to_tensor([1.0])] * 2, [kernel, bias])
    return float(kernel[0]), float(bias[0])


def test_some_weights_do_not_decay():
    decayed = (0.99 * (0.99 * 1.0 - 0.1)) - 0.1

    assert grouped(weight_decay=0.1) == pytest.approx((decayed, decayed))
    assert grouped(weight_decay=0.1, weight_decay_exclude=["bi*"]) == pytest.approx((decayed, 0.8))


def test_weight_decay_falls_with_the_steps():
    progress = np.array([0.0, 0.5])
    first_decay, second_decay = 0.1 * 0.5 * (1 + np.cos(np.pi * np.clip(2 * progress - 1, 0, 1)))
    expected = (1 - 0.1 * second_decay) * ((1 - 0.1 * first_decay) - 0.1) - 0.1
    keys = {"weight_decay": 0.1, "weight_decay_schedule": "flat_cosine"}

    assert grouped(**keys) == pytest.approx((expected, expected))
    kernel, bias = keras.Variable([1.0], name="kernel"), keras.Variable([1.0], name="bias")
    optimizer = optimizers.optimizer(
        Optimizer(name="sgd", learning_rate=0.1, **keys), clip=None, steps=4, epochs=1, weights=[kernel, bias]
    )
    optimizer.iterations.assign(4)
    optimizer.apply([keras.ops.convert_to_tensor([0.0])], [kernel])
    assert float(kernel[0]) == 1.0, "none is left at the end"


def test_groups_of_weights_have_learning_rates_of_their_own():
    kernel, bias = grouped(learning_rate_factors={"bias": 0.1, "*": 2.0})

    assert (kernel, bias) == pytest.approx((1 - 2 * 0.2, 1 - 2 * 0.01))


def test_weight_decay_of_a_group_is_times_its_learning_rate():
    _, bias = grouped(weight_decay=0.1, learning_rate_factors={"bias": 0.5})

    assert bias == pytest.approx(0.995 * (0.995 - 0.05) - 0.05)


def test_adamw_in_groups_is_adamw():
    usual, split = (grouped(name="adamw", **keys) for keys in ({}, {"learning_rate_factors": {"kernel": 1.0}}))

    assert split == pytest.approx(usual)
    assert grouped(name="adam") != pytest.approx(usual)


@pytest.mark.parametrize(
    "keys",
    [{"weight_decay_exclude": ["*none_such"], "weight_decay": 0.1}, {"learning_rate_factors": {"*none_such": 2.0}}],
)
def test_a_pattern_without_a_weight_is_refused(keys):
    with pytest.raises(
        ValueError, match=r"training\.optimizer\.[a-z_]+: '\*none_such' matches no weight. Known weights: kernel, "
    ):
        grouped(**keys)


@pytest.mark.parametrize("keys", [{"weight_decay_exclude": ["*"]}, {"weight_decay_schedule": "flat_cosine"}])
@pytest.mark.parametrize("name", [{"name": "adam"}, {"name": "adamw", "weight_decay": 0.0}])
def test_rules_of_a_decay_that_is_zero_are_refused(name, keys):
    with pytest.raises(ValidationError, match="has no effect without weight_decay: set it, or remove"):
        Optimizer(**name, **keys)


def test_an_exponential_falls_by_its_factor_each_so_many_epochs():
    np.testing.assert_allclose(rates(name="exponential", factor=0.1, every=5), 0.5 * 0.1 ** (np.arange(21) / 10), 1e-5)


def test_steps_fall_at_once():
    exact = np.repeat([0.5, 0.25, 0.125, 0.0625], 6)[:21]
    np.testing.assert_allclose(rates(name="step", every=3), exact, rtol=1e-6)


def test_pieces_begin_at_their_epochs():
    exact = [0.5] * 4 + [0.1] * 6 + [0.01] * 11
    np.testing.assert_allclose(rates(name="piecewise", at=[2, 5], learning_rates=[0.1, 0.01]), exact, rtol=1e-6)


def test_a_warm_up_rises_to_the_rate_and_no_step_stands_still():
    by_step = rates(name="constant", warm_up=2)

    np.testing.assert_allclose(by_step[:5], 0.5 * np.array([1, 2, 3, 4, 5]) / 5, rtol=1e-6)
    assert set(by_step[5:]) == {0.5}
    assert rates(name="cosine", warm_up=2)[4] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("clip", "exact"),
    [({"value": 2.0}, [2, 2, 2]), ({"norm": 2.5}, [1.5, 2, 2.5]), ({"global_norm": 2.5}, [1.5, 2, 2.5])],
)
def test_a_long_gradient_is_shortened(clip, exact):
    optimizer = made(Clip(**clip), name="sgd", learning_rate=1.0)
    weights = [keras.Variable([0.0, 0.0]), keras.Variable([0.0])]
    optimizer.apply([keras.ops.convert_to_tensor([-3.0, -4.0]), keras.ops.convert_to_tensor([-12.0])], weights)
    shortened = [*np.asarray(weights[0]), *np.asarray(weights[1])]
    if "global_norm" in clip:
        exact = np.array([3, 4, 12]) * 2.5 / 13

    np.testing.assert_allclose(shortened, exact, rtol=1e-6)


@pytest.mark.parametrize("clip", [{}, {"norm": 1.0, "value": 1.0}])
def test_one_rule_of_clipping_is_needed(clip):
    with pytest.raises(ValidationError, match="give one of norm, value and global_norm"):
        Clip(**clip)
