"""Asks keras-tuner's oracles for values, in rounds, so that the answers do not depend on which trial ends first.

A round is asked for as a whole and told as a whole, in order. With the same settings and the same scores an oracle
proposes the same values again, however many trials run at a time; that is also how a killed tuning is taken up: the
rounds are asked for anew, and the trials that were finished answer from disk.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras_tuner
import numpy as np
import threadpoolctl
from keras_tuner.engine import trial as trial_module

from spec import tuning
from spec.tuning import Dimension, Tuning

ROUND = 4
"""Trials a round of the Bayesian method, between which it learns; the same whatever runs at a time."""
PLACES, NEAR, GRID = 1000, 0.1, 3
"""Places that the Bayesian method compares, anywhere and as many around the best trial so far; how far from it they
are, and their decimals, where 0 is the lowest value and 1 the highest."""
FACTOR = 3
"""Hyperband keeps one of so many trials, with so many times the epochs."""
EPOCHS = "tuner/epochs"
"""Hyperband's value for the epochs of a trial."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Values to try.

    Attributes:
        number: Place among all trials; 0 is the config's own values.
        values: Dotted key -> value; empty for the config's own.
        epochs: Most epochs.
    """

    number: int
    values: Mapping[str, Any]
    epochs: int | None


class Oracle:
    """Proposes values by the settings' method; the first trial is the config as it is.

    Args:
        settings: The section [tuner].
        default: The config's own values of the keys in the space.
        epochs: Most epochs of a trial; None where the space itself holds them.

    Raises:
        ValueError: hyperband's smallest sweep needs more trials than there may be.
    """

    def __init__(self, settings: Tuning, default: Mapping[str, Any], epochs: int | None) -> None:
        self._settings, self._epochs = settings, epochs
        self.space = space(settings.space)
        self._oracle = _make(settings, self.space, epochs)
        self._oracle.verbose = 0
        self._ids: dict[int, str] = {}
        self._made = 0
        self._default: dict[str, Any] | None = None
        if all(dimension.holds(default[key]) for key, dimension in settings.space.items()):
            self._default = {key: _encoded(settings.space[key], value) for key, value in default.items()}

    def round(self) -> list[Proposal]:
        """The next trials, which may run at the same time; none at the end."""
        proposals = []
        room = self._settings.trials - self._made
        if self._made == 0:
            proposals.append(Proposal(number=0, values={}, epochs=self._epochs))
            if self._default is not None:
                self._ids[0] = self._add(self._default)
            room -= 1
        if self._settings.method == "bayesian":
            # Until so many trials are told it draws at random: the first round holds them all.
            room = min(room, self._oracle.num_initial_points - len(self._ids) if proposals else ROUND)
        for number in range(self._made + len(proposals), self._made + len(proposals) + room):
            trial = self._oracle.create_trial(f"trial {number}")
            if trial.status != trial_module.TrialStatus.RUNNING:
                break
            self._ids[number] = trial.trial_id
            raw = trial.hyperparameters.values
            values = {key: tuning.rounded(tuning.decode(value)) for key, value in raw.items() if "/" not in key}
            proposals.append(Proposal(number=number, values=values, epochs=raw.get(EPOCHS, self._epochs)))
        self._made += len(proposals)
        return proposals

    def tell(self, number: int, score: float | None) -> None:
        """Say how a trial ended; in the order of their numbers.

        Args:
            number: The trial.
            score: Its objective; None where it failed.
        """
        if number not in self._ids:
            return
        trial = self._oracle.trials[self._ids[number]]
        if score is None:
            trial.status = trial_module.TrialStatus.FAILED
        else:
            self._oracle.update_trial(trial.trial_id, {self._settings.objective: score})
            trial.status = trial_module.TrialStatus.COMPLETED
        self._oracle.end_trial(trial)

    def hyperparameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values with their space, in the JSON form that keras-tuner and TFX's Tuner write.

        Args:
            values: Dotted key -> value; a key that is not there keeps the config's own.
        """
        made = self.space.copy()
        made.values = {key: _encoded(self._settings.space[key], value) for key, value in values.items()}
        config: dict[str, Any] = made.get_config()
        return config

    def _add(self, values: Mapping[str, Any]) -> str:
        """Put the config's own values among the oracle's trials: it learns from them and does not repeat them."""
        hyperparameters = self.space.copy()
        hyperparameters.values = dict(values)
        trial = trial_module.Trial(hyperparameters=hyperparameters, trial_id="default")
        self._oracle.trials[trial.trial_id] = trial
        self._oracle.ongoing_trials["default"] = trial
        self._oracle.start_order.append(trial.trial_id)
        self._oracle._record_values(trial)
        return str(trial.trial_id)


def space(dimensions: Mapping[str, Dimension]) -> Any:
    """The space as keras-tuner's HyperParameters."""
    made = keras_tuner.HyperParameters()
    for key, dimension in dimensions.items():
        if dimension.listed is not None:
            # keras-tuner's own steps of 0.1 from 0 do not reach 0.5; one value alone is no choice but still a value.
            made.Choice(key, tuning.encode(dimension.listed))
        elif dimension.whole:
            made.Int(key, dimension.low, dimension.high, sampling=dimension.scale)
        else:
            made.Float(key, dimension.low, dimension.high, sampling=dimension.scale)
    return made


def _encoded(dimension: Dimension, value: Any) -> Any:
    """One value in the form that `space` gave its dimension."""
    if dimension.listed is None:
        return value
    return tuning.encode(dimension.listed)[dimension.listed.index(value)]


class _InMemory:
    """Writes nothing: the trials that end are kept elsewhere, by what decides them."""

    def save(self) -> None:
        """Leave out."""

    def _save_trial(self, trial: Any) -> None:
        """Leave out."""


class _Random(_InMemory, keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Draws at random."""


class _Bayesian(_InMemory, keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Goes where a Gaussian process expects the most.

    Among many places at once: keras-tuner itself walks from place to place, one at a time, which took 46,000
    predictions for 11 proposals and ended a little elsewhere each time.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Values to try that were not tried yet."""
        completed = sum(trial.status == trial_module.TrialStatus.COMPLETED for trial in self.trials.values())
        if completed < self.num_initial_points:
            drawn: dict[str, Any] = self._random_populate_space()
            return drawn
        # One thread, for the last digits of the fit; one that ends at its bounds is usual with few trials, and warns.
        with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tried, scores = self._vectorize_trials()
            self.gpr.fit(tried, scores)
            shape = (PLACES, tried.shape[1])
            anywhere = self._random_state.uniform(size=shape)
            near = tried[np.argmin(scores)] + self._random_state.normal(scale=NEAR, size=shape)
            places = np.round(np.clip(np.concatenate([anywhere, near]), 0.0, 1.0), GRID)
            mean, deviation = self.gpr.predict(places, return_std=True)
        for index in np.argsort(mean - self.beta * deviation, kind="stable"):
            values = self._vector_to_values(places[index])
            if not self._duplicate(values):
                return {"status": trial_module.TrialStatus.RUNNING, "values": values}
        return {"status": trial_module.TrialStatus.STOPPED, "values": None}


class _Hyperband(_InMemory, keras_tuner.oracles.HyperbandOracle):  # type: ignore[misc]
    """One sweep of the largest brackets that are within the trials."""

    most: int

    def _get_num_brackets(self) -> int:
        brackets: int = super()._get_num_brackets()
        while brackets > 1 and self._trials(brackets) > self.most:
            brackets -= 1
        return brackets

    def _trials(self, brackets: int) -> int:
        return sum(self._get_size(bracket, turn) for bracket in range(brackets) for turn in range(bracket + 1))


def _make(settings: Tuning, hyperparameters: Any, epochs: int | None) -> Any:
    common = {
        "objective": keras_tuner.Objective(settings.objective, settings.direction),
        "hyperparameters": hyperparameters,
        "seed": settings.seed + 1,  # keras-tuner takes 0 for none
        "max_consecutive_failed_trials": settings.trials + 1,
    }
    if settings.method == "random":
        return _Random(max_trials=settings.trials, **common)
    if settings.method == "bayesian":
        # Its default of three a key would leave few guided trials of 20; a third of them at most is drawn.
        initial = max(3, min(3 * len(settings.space), settings.trials // 3))
        return _Bayesian(max_trials=settings.trials, num_initial_points=initial, **common)
    assert epochs is not None
    # The first trial is the config's own.
    sized = type("Hyperband", (_Hyperband,), {"most": settings.trials - 1})
    oracle = sized(max_epochs=epochs, factor=FACTOR, hyperband_iterations=1, **common)
    if oracle._trials(1) > settings.trials - 1:
        raise ValueError(
            f"tuner.trials is {settings.trials}: hyperband with {epochs} epochs needs {oracle._trials(1) + 1} or more"
        )
    return oracle
