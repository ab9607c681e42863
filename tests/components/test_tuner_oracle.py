"""keras-tuner's oracles in rounds: the same values whatever ends first."""

import functools
import json
import math
import random

import keras_tuner
import pytest

from components.tuner.oracle import Oracle
from spec import tuning
from spec.tuning import Tuning

SPACE = {
    "network.dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
    "network.layers": {"choices": [[32], [64, 64], [128, 64]]},
    "training.optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
}
DEFAULT = {"network.dropout": 0.0, "network.layers": [128, 64], "training.optimizer.learning_rate": 1e-3}
METHODS = ["random", "bayesian", "hyperband"]


def make(default=DEFAULT, epochs=60, **settings):
    return Oracle(Tuning.model_validate({"space": SPACE, **settings}), default, epochs)


def loss(values, epochs):
    """Smallest at rate 0.01, no dropout, one layer; better with more epochs."""
    values = {**DEFAULT, **values}
    rate = abs(math.log10(values["training.optimizer.learning_rate"]) + 2)
    return rate + values["network.dropout"] + 0.1 * len(values["network.layers"]) + 1 / epochs


def run(oracle, score=loss):
    """Return all rounds; the results of each are reported in order."""
    rounds = []
    while proposals := oracle.round():
        rounds.append(proposals)
        for proposal in proposals:
            oracle.tell(proposal.number, score(proposal.values, proposal.epochs))
    return rounds


def flat(rounds):
    return [proposal for proposals in rounds for proposal in proposals]


@functools.cache
def rounds_of(method, seed=1, time=1):
    """A whole search; the Bayesian one takes a second, so tests share it."""
    return run(make(method=method, seed=seed, trials=20 if method == "hyperband" else 12))


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_proposes_the_same_values_and_another_seed_others(method):
    proposals, repeated = flat(rounds_of(method)), flat(rounds_of(method, time=2))

    assert proposals == repeated
    assert [proposal.number for proposal in proposals] == list(range(len(proposals)))
    assert make(method=method, seed=2).round()[1:] != make(method=method, seed=1).round()[1:]


@pytest.mark.parametrize("method", METHODS)
def test_the_first_trial_is_the_config_itself_and_no_other_repeats_it(method):
    config_trial, *proposals = flat(rounds_of(method))

    assert (config_trial.number, config_trial.values, config_trial.epochs) == (0, {}, 60)
    if method != "hyperband":
        values = [json.dumps(proposal.values, sort_keys=True) for proposal in proposals]
        assert len(set(values)) == len(values) == 11
        assert json.dumps(DEFAULT, sort_keys=True) not in values


@pytest.mark.parametrize("method", METHODS)
def test_all_values_are_in_the_space(method):
    dimensions = Tuning.model_validate({"space": SPACE}).space
    for proposal in flat(rounds_of(method))[1:]:
        assert set(proposal.values) == set(SPACE)
        for key, value in proposal.values.items():
            assert dimensions[key].holds(value), (key, value)


def test_random_asks_for_all_at_once():
    assert [len(proposals) for proposals in run(make(method="random", trials=9))] == [9]


def test_bayesian_draws_a_third_and_then_learns_in_rounds_of_one_size():
    rounds, drawn = rounds_of("bayesian"), flat(rounds_of("random"))

    assert [len(proposals) for proposals in rounds] == [4, 4, 4]
    assert flat(rounds)[:4] == drawn[:4]
    assert flat(rounds)[4:] != drawn[4:]


def test_bayesian_learns_from_the_scores():
    oracle = make(method="bayesian", trials=12)
    for proposal in oracle.round():
        oracle.tell(proposal.number, -loss(proposal.values, 60))

    assert oracle.round() != rounds_of("bayesian")[1]


def test_bayesian_comes_closer_than_what_it_drew():
    scores = [loss(proposal.values, 60) for proposal in flat(run(make(method="bayesian", trials=27)))]

    assert min(scores[9:]) < min(scores[:9])


def test_hyperband_gives_the_best_of_a_bracket_more_epochs():
    first_round, second_round = rounds_of("hyperband")
    short_trials, long_trials = (
        [p for p in first_round[1:] if p.epochs == 20],
        [p for p in first_round[1:] if p.epochs == 60],
    )

    assert (len(short_trials), len(long_trials), len(second_round)) == (8, 5, 3)
    best = sorted(short_trials, key=lambda proposal: loss(proposal.values, 20))[:3]
    assert [proposal.values for proposal in second_round] == [proposal.values for proposal in best]
    assert {proposal.epochs for proposal in second_round} == {60}


def test_the_error_of_hyperband_with_too_few_trials_names_the_number_needed():
    with pytest.raises(ValueError, match=r"tuner\.trials is 5: hyperband with 60 epochs needs 6 or more"):
        make(method="hyperband", trials=5)
    assert len(flat(run(make(method="hyperband", trials=6)))) == 6


@pytest.mark.parametrize("method", METHODS)
def test_failed_trials_do_not_stop_the_search(method):
    pick = random.Random(1)

    def score(values, epochs):
        return loss(values, epochs) if pick.random() < 0.4 else None

    trials = 8 if method == "bayesian" else 20
    assert len(flat(run(make(method=method, trials=trials), score))) >= 0.7 * trials


@pytest.mark.parametrize("method", ["random", "bayesian"])
def test_a_space_that_is_used_up_ends_the_search(method):
    settings = Tuning.model_validate({"space": {"network.layers": {"choices": [[1], [2], [3]]}}, "method": method})
    proposals = flat(run(Oracle(settings, {"network.layers": [2]}, 5), lambda values, _: len(str(values))))

    assert proposals[0].values == {}
    assert sorted(proposal.values["network.layers"] for proposal in proposals[1:]) == [[1], [3]]


def test_a_default_outside_the_space_is_still_a_trial():
    outside = {**DEFAULT, "network.layers": [7]}
    for method in METHODS:
        oracle = make(outside, method=method)
        first_round = oracle.round()
        for proposal in first_round:
            oracle.tell(proposal.number, loss(proposal.values, proposal.epochs))
        assert first_round[0].values == {}
        assert oracle.round() or method == "random"


def test_the_best_values_are_read_by_keras_tuner_and_come_back():
    config = json.loads(json.dumps(make().hyperparameters({**DEFAULT, "training.optimizer.learning_rate": 0.0123})))
    read = keras_tuner.HyperParameters.from_config(config)

    assert read.get("training.optimizer.learning_rate") == 0.0123
    assert read.get("network.layers") == "[128, 64]"
    assert tuning.best(config) == {**DEFAULT, "training.optimizer.learning_rate": 0.0123}
    assert tuning.best(make().hyperparameters({})) == {}


def test_an_accuracy_goes_upwards():
    settings = Tuning.model_validate({"space": SPACE, "objective": "accuracy", "method": "hyperband", "trials": 20})
    first_round, second_round = run(Oracle(settings, DEFAULT, 60))
    short_trials = [proposal for proposal in first_round if proposal.epochs == 20]
    worst = sorted(short_trials, key=lambda proposal: -loss(proposal.values, 20))[:3]

    assert [proposal.values for proposal in second_round] == [proposal.values for proposal in worst]
