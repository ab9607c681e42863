"""Keras optimizers and learning-rate schedules."""

import fnmatch
import types
from collections.abc import Sequence
from typing import Any

import keras

from spec.training import Clip, Optimizer, Schedule

FACTOR, EVERY, PATIENCE = 0.5, 10.0, 4
"""Defaults of a schedule: factor, epochs between two steps, patience."""
_DEFAULTS: dict[str, dict[str, float]] = {
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9},
    "rmsprop": {"rho": 0.9},
    "adadelta": {"rho": 0.95},
}
_CLIPS = {"norm": "clipnorm", "value": "clipvalue", "global_norm": "global_clipnorm"}


def optimizer(settings: Optimizer, *, clip: Clip | None, steps: int, epochs: int, weights: Sequence[Any] = ()) -> Any:
    """Create the optimizer.

    Args:
        settings: Name, learning rate and the optimizer's keys.
        clip: Gradient clipping; None for none.
        steps: Steps per epoch.
        epochs: Largest number of epochs.
        weights: The network's trainable variables, to check the patterns of weight groups.

    Raises:
        ValueError: A pattern matches none of the weights.
    """
    config: dict[str, Any] = dict(_DEFAULTS.get(settings.name, {}))
    for key in ("momentum", "rho", "beta_1", "beta_2", "weight_decay"):
        if getattr(settings, key) is not None:
            config[key] = getattr(settings, key)
    if settings.name == "nesterov":
        config["nesterov"] = True
    config["learning_rate"] = learning_rate(settings, steps, epochs)
    if clip is not None:
        config.update({_CLIPS[key]: limit for key, limit in clip.model_dump(exclude_none=True).items()})
    name = {"momentum": "sgd", "nesterov": "sgd"}.get(settings.name, settings.name)
    keras_optimizer = keras.optimizers.get({"class_name": name, "config": config})
    if not (
        settings.weight_decay_exclude or settings.weight_decay_schedule != "constant" or settings.learning_rate_factors
    ):
        return keras_optimizer
    _check_patterns(settings, [weight.path for weight in weights])
    config["weight_decay"] = None
    base = keras.optimizers.Adam if settings.name == "adamw" else type(keras_optimizer)
    return _by_group(base)(Groups(settings, keras_optimizer.weight_decay or 0.0, steps * epochs), **config)


class Groups:
    """Learning rates and weight decay of groups of weights.

    Args:
        settings: The optimizer's keys.
        decay: Weight decay.
        steps: Steps of all epochs.
    """

    def __init__(self, settings: Optimizer, decay: float, steps: int) -> None:
        self._settings, self._decay, self._steps = settings, decay, steps

    def factor(self, path: str) -> float:
        """Return the factor of the learning rate of a weight."""
        factors = self._settings.learning_rate_factors
        return next((factor for pattern, factor in factors.items() if fnmatch.fnmatchcase(path, pattern)), 1.0)

    def decay(self, path: str, step: Any) -> Any:
        """Return the weight decay of a weight at a step counted from 0; None for none."""
        if not self._decay or any(
            fnmatch.fnmatchcase(path, pattern) for pattern in self._settings.weight_decay_exclude
        ):
            return None
        if self._settings.weight_decay_schedule == "constant":
            return self._decay
        return self._decay * flat_cosine(keras.ops.cast(step, "float32") / self._steps)


def flat_cosine(progress: Any) -> Any:
    """Return 1 up to the share 0.5 of all steps, then half a cosine to 0."""
    return 0.5 * (1.0 + keras.ops.cos(3.141592653589793 * keras.ops.clip(2.0 * progress - 1.0, 0.0, 1.0)))


def _check_patterns(settings: Optimizer, paths: Sequence[str]) -> None:
    for key in ("weight_decay_exclude", "learning_rate_factors"):
        for pattern in getattr(settings, key):
            if paths and not fnmatch.filter(paths, pattern):
                raise ValueError(
                    f"training.optimizer.{key}: {pattern!r} matches no weight. Known weights: {', '.join(paths)}"
                )


def _by_group(base: Any) -> Any:
    """Return a subclass of a Keras optimizer with learning rates and weight decay by group."""

    class ByGroup(base):  # type: ignore[misc]
        """Optimizer with groups of weights; its own weight decay is off."""

        def __init__(self, groups: Groups, **config: Any) -> None:
            super().__init__(**{"name": base.__name__.lower(), **config})
            # In an object of another class, which Keras does not track.
            self._groups = types.SimpleNamespace(rules=groups, paths={})

        def build(self, variables: Any) -> None:
            """Remember the paths of the weights: `update_step` gets TensorFlow's variables."""
            super().build(variables)
            self._groups.paths = {id(variable.value): variable.path for variable in variables}

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            """Let a weight decay, and update it."""
            path = self._groups.paths.get(id(variable)) or variable.path
            rate = learning_rate * self._groups.rules.factor(path)
            decay = self._groups.rules.decay(path, self.iterations)
            if decay is not None:
                self.assign_sub(variable, variable * keras.ops.cast(rate * decay, variable.dtype))
            super().update_step(gradient, variable, rate)

    return ByGroup


def learning_rate(settings: Optimizer, steps: int, epochs: int) -> Any:
    """Return a number if the learning rate is constant or set by a callback, else a schedule."""
    schedule = settings.schedule
    if schedule.name == "plateau" or (schedule.name == "constant" and not schedule.warm_up):
        return settings.learning_rate
    return Rate(settings.learning_rate, schedule.model_dump(), steps, epochs)


@keras.saving.register_keras_serializable(package="pipeline")
class Rate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Learning rate by step.

    Args:
        start: Learning rate after the warm-up.
        schedule: Keys of spec.training.Schedule.
        steps: Steps per epoch.
        epochs: Largest number of epochs.
    """

    def __init__(self, start: float, schedule: dict[str, Any], steps: int, epochs: int) -> None:
        super().__init__()
        self.start, self.steps, self.epochs = start, steps, epochs
        self.schedule = Schedule.model_validate(schedule)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate, float32, of a step counted from 0."""
        ops, schedule = keras.ops, self.schedule
        epoch = ops.cast(step, "float32") / self.steps
        factor = FACTOR if schedule.factor is None else schedule.factor
        every = EVERY if schedule.every is None else schedule.every
        value = ops.ones_like(epoch) * self.start
        if schedule.name == "cosine":
            decay_epochs = max(self.epochs - schedule.warm_up, 1.0 / self.steps)
            progress = ops.clip((epoch - schedule.warm_up) / decay_epochs, 0.0, 1.0)
            value = self.start * 0.5 * (1.0 + ops.cos(3.141592653589793 * progress))
        elif schedule.name == "flat_cosine":
            decay_epochs = max(self.epochs - schedule.warm_up, 1.0 / self.steps)
            value = self.start * flat_cosine((epoch - schedule.warm_up) / decay_epochs)
        elif schedule.name == "coslog":
            # Holzmüller et al., "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data", 2024.
            progress = ops.clip(epoch / self.epochs, 0.0, 1.0)
            value = self.start * 0.5 * (1.0 - ops.cos(2.0 * 3.141592653589793 * ops.log2(1.0 + 15.0 * progress)))
        elif schedule.name == "exponential":
            value = self.start * ops.power(factor, epoch / every)
        elif schedule.name == "step":
            # The first step of an epoch divided by the steps may be just below the integer.
            value = self.start * ops.power(factor, ops.floor(epoch / every + 1e-5))
        for begin, learning_rate in zip(schedule.at, schedule.learning_rates, strict=True):
            value = ops.where(epoch >= begin - 1e-5, ops.ones_like(epoch) * learning_rate, value)
        if schedule.warm_up:
            # The first step has a learning rate above 0: it is step 1 of the warm-up, not step 0.
            share = (epoch * self.steps + 1.0) / (schedule.warm_up * self.steps + 1.0)
            value = value * ops.minimum(share, 1.0)
        return value

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        schedule = self.schedule.model_dump()
        return {"start": self.start, "schedule": schedule, "steps": self.steps, "epochs": self.epochs}
