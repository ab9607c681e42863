"""Proposals by keras-tuner's oracles in rounds, so that they do not depend on which trial finishes first.

All trials of a round are proposed together, and their scores are reported together, in order. With the same settings
and scores an oracle proposes the same values again, for any number of parallel trials. An interrupted tuning resumes
the same way: the oracle proposes its rounds again, and the results of finished trials are read from disk.
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
"""Trials per round of the Bayesian method, which is refitted between rounds; independent of the parallelism."""
PLACES, NEAR, GRID = 1000, 0.1, 3
"""Candidates of the Bayesian method: their number, uniform and again around the best trial so far; the standard
deviation of the latter; and the decimals they are rounded to. All on a scale from 0 (lowest value) to 1 (highest)."""
FACTOR = 3
"""Hyperband keeps 1 of 3 trials and trains it for 3 times as many epochs."""
EPOCHS = "tuner/epochs"
"""keras-tuner's key for the number of epochs of a Hyperband trial."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Values to try.

    Attributes:
        number: Index among all trials; 0 is the config's own values.
        values: Dotted key -> value; empty for the config's own values.
        epochs: Maximum number of epochs; None if the space has training.epochs.
    """

    number: int
    values: Mapping[str, Any]
    epochs: int | None


class Oracle:
    """Proposes values by the settings' method; the first trial is the config as it is.

    Args:
        settings: The section [tuner].
        default: The config's own values of the keys in the space.
        epochs: Maximum number of epochs of a trial; None if the space has training.epochs.

    Raises:
        ValueError: hyperband's smallest sweep needs more trials than allowed.
    """

    def __init__(self, settings: Tuning, default: Mapping[str, Any], epochs: int | None) -> None:
        self._settings, self._epochs = settings, epochs
        self.space = space(settings.space)
        self._oracle = _make(settings, self.space, epochs)
        self._oracle.verbose = 0
        self._ids: dict[int, str] = {}
        self._num_proposed = 0
        self._default: dict[str, Any] | None = None
        if all(dimension.holds(default[key]) for key, dimension in settings.space.items()):
            self._default = {key: _encoded(settings.space[key], value) for key, value in default.items()}

    def round(self) -> list[Proposal]:
        """Propose the next trials, which may run in parallel; an empty list ends the search."""
        proposals = []
        room = self._settings.trials - self._num_proposed
        if self._num_proposed == 0:
            proposals.append(Proposal(number=0, values={}, epochs=self._epochs))
            if self._default is not None:
                self._ids[0] = self._add(self._default)
            room -= 1
        if self._settings.method == "bayesian":
            # The method samples at random until num_initial_points scores are known: all of these are the first round.
            room = min(room, self._oracle.num_initial_points - len(self._ids) if proposals else ROUND)
        for number in range(self._num_proposed + len(proposals), self._num_proposed + len(proposals) + room):
            trial = self._oracle.create_trial(f"trial {number}")
            if trial.status != trial_module.TrialStatus.RUNNING:
                break
            self._ids[number] = trial.trial_id
            raw = trial.hyperparameters.values
            values = {key: tuning.rounded(tuning.decode(value)) for key, value in raw.items() if "/" not in key}
            proposals.append(Proposal(number=number, values=values, epochs=raw.get(EPOCHS, self._epochs)))
        self._num_proposed += len(proposals)
        return proposals

    def tell(self, number: int, score: float | None) -> None:
        """Report the score of a trial; call it in the order of the trial numbers.

        Args:
            number: Number of the trial.
            score: Objective of the trial; None if the trial failed.
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
        """Return values with their space, in the JSON form that keras-tuner and TFX's Tuner write.

        Args:
            values: Dotted key -> value; a missing key keeps the config's own value.
        """
        hyperparameters = self.space.copy()
        hyperparameters.values = {key: _encoded(self._settings.space[key], value) for key, value in values.items()}
        config: dict[str, Any] = hyperparameters.get_config()
        return config

    def _add(self, values: Mapping[str, Any]) -> str:
        """Add the config's own values to the oracle's trials, so that it learns from them and does not repeat them."""
        hyperparameters = self.space.copy()
        hyperparameters.values = dict(values)
        trial = trial_module.Trial(hyperparameters=hyperparameters, trial_id="default")
        self._oracle.trials[trial.trial_id] = trial
        self._oracle.ongoing_trials["default"] = trial
        self._oracle.start_order.append(trial.trial_id)
        self._oracle._record_values(trial)
        return str(trial.trial_id)


def space(dimensions: Mapping[str, Dimension]) -> Any:
    """Convert a space to keras-tuner's HyperParameters."""
    parameters = keras_tuner.HyperParameters()
    for key, dimension in dimensions.items():
        if dimension.listed is not None:
            # As choices: keras-tuner's own steps of 0.1 from 0 do not reach 0.5. A single value is allowed.
            parameters.Choice(key, tuning.encode(dimension.listed))
        elif dimension.whole:
            parameters.Int(key, dimension.low, dimension.high, sampling=dimension.scale)
        else:
            parameters.Float(key, dimension.low, dimension.high, sampling=dimension.scale)
    return parameters


def _encoded(dimension: Dimension, value: Any) -> Any:
    """Encode a value the way `space` encodes its dimension."""
    if dimension.listed is None:
        return value
    return tuning.encode(dimension.listed)[dimension.listed.index(value)]


class _InMemory:
    """Oracle that does not write to disk: `trials.Store` keeps the results."""

    def save(self) -> None:
        """Do nothing."""

    def _save_trial(self, trial: Any) -> None:
        """Do nothing."""


class _Random(_InMemory, keras_tuner.oracles.RandomSearchOracle):  # type: ignore[misc]
    """Random search."""


class _Bayesian(_InMemory, keras_tuner.oracles.BayesianOptimizationOracle):  # type: ignore[misc]
    """Bayesian search: minimizes the lower confidence bound of a Gaussian process.

    It evaluates many candidates in one batch. keras-tuner's own optimizer evaluates one at a time, which took 46,000
    predictions for 11 proposals and was not reproducible.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the most promising values that no trial has tried."""
        completed = sum(trial.status == trial_module.TrialStatus.COMPLETED for trial in self.trials.values())
        if completed < self.num_initial_points:
            drawn: dict[str, Any] = self._random_populate_space()
            return drawn
        # One thread makes the fit reproducible to the last digit. With few trials the fit often ends at its bounds,
        # which is harmless but warns.
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
    """Hyperband with one sweep of as many brackets as the allowed number of trials permits."""

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
        "seed": settings.seed + 1,  # keras-tuner treats 0 as unset
        "max_consecutive_failed_trials": settings.trials + 1,
    }
    if settings.method == "random":
        return _Random(max_trials=settings.trials, **common)
    if settings.method == "bayesian":
        # keras-tuner's default of 3 random trials per key would leave few guided ones of 20: use a third at most.
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
