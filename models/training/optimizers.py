"""Keras optimizers and learning-rate schedules."""

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


def optimizer(settings: Optimizer, *, clip: Clip | None, steps: int, epochs: int) -> Any:
    """Create the optimizer.

    Args:
        settings: Name, learning rate and the optimizer's keys.
        clip: Gradient clipping; None for none.
        steps: Steps per epoch.
        epochs: Largest number of epochs.
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
    return keras.optimizers.get({"class_name": name, "config": config})


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
            left = max(self.epochs - schedule.warm_up, 1.0 / self.steps)
            done = ops.clip((epoch - schedule.warm_up) / left, 0.0, 1.0)
            value = self.start * 0.5 * (1.0 + ops.cos(3.141592653589793 * done))
        elif schedule.name == "exponential":
            value = self.start * ops.power(factor, epoch / every)
        elif schedule.name == "step":
            # The first step of an epoch divided by the steps may be just below the integer.
            value = self.start * ops.power(factor, ops.floor(epoch / every + 1e-5))
        for begin, piece in zip(schedule.at, schedule.learning_rates, strict=True):
            value = ops.where(epoch >= begin - 1e-5, ops.ones_like(epoch) * piece, value)
        if schedule.warm_up:
            # The first step has a learning rate above 0: it is step 1 of the warm-up, not step 0.
            share = (epoch * self.steps + 1.0) / (schedule.warm_up * self.steps + 1.0)
            value = value * ops.minimum(share, 1.0)
        return value

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        schedule = self.schedule.model_dump()
        return {"start": self.start, "schedule": schedule, "steps": self.steps, "epochs": self.epochs}
