"""How a network is trained: the typed settings of [training]. Plain Python, no TensorFlow."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from models.strict import Strict

LOSSES: Mapping[str, tuple[str, ...]] = {
    "regression": ("mse", "mae", "huber", "log_cosh", "sum_of_squares"),
    "binary": ("cross_entropy", "focal", "mse", "mae", "huber", "sum_of_squares"),
    "classes": ("cross_entropy", "focal", "mse", "mae", "huber", "sum_of_squares"),
    "anomaly": ("mse", "mae", "huber", "log_cosh", "sum_of_squares"),
    "clusters": ("inertia",),
}
"""Task -> losses that fit it, its default first."""
METRICS: Mapping[str, tuple[str, ...]] = {
    "regression": ("loss", "mae", "mse"),
    "binary": ("loss", "accuracy"),
    "classes": ("loss", "accuracy"),
    "anomaly": ("loss",),
    "clusters": ("loss",),
}
"""Task -> what each epoch measures, on the train split and, with `val_` before it, on the eval split."""
CLASSES = ("binary", "classes")
"""Tasks whose label is a class."""
Positive = Annotated[float, Field(gt=0.0)]
_OPTIMIZERS: Mapping[str, tuple[str, ...]] = {
    "adam": ("beta_1", "beta_2", "weight_decay"),
    "adamw": ("beta_1", "beta_2", "weight_decay"),
    "sgd": ("weight_decay",),
    "momentum": ("momentum", "weight_decay"),
    "nesterov": ("momentum", "weight_decay"),
    "rmsprop": ("momentum", "rho", "weight_decay"),
    "adagrad": ("weight_decay",),
    "adadelta": ("rho", "weight_decay"),
}
"""Optimizer -> its own keys."""
_SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "constant": ("warm_up",),
    "cosine": ("warm_up",),
    "exponential": ("warm_up", "factor", "every"),
    "step": ("warm_up", "factor", "every"),
    "piecewise": ("warm_up", "at", "rates"),
    "plateau": ("factor", "patience", "lowest"),
}
"""Schedule -> its own keys."""


def _others(keys: Mapping[str, tuple[str, ...]], name: Any) -> list[str]:
    """Keys that some names have and this one has not."""
    every = dict.fromkeys(key for own in keys.values() for key in own)
    return [key for key in every if key not in keys.get(name, every)]


def _only(settings: Any, keys: Mapping[str, tuple[str, ...]], what: str) -> None:
    """Refuse keys that do nothing for the settings' name."""
    for key in _others(keys, settings.name):
        if getattr(settings, key) != type(settings).model_fields[key].default:
            own = ", ".join(keys[settings.name])
            raise ValueError(f"{key} does nothing for {what} {settings.name!r}, whose own keys are {own}: take it out")


class Schedule(Strict):
    """How the learning rate changes while training goes on."""

    name: Literal["constant", "cosine", "exponential", "step", "piecewise", "plateau"] = "constant"
    """cosine: to zero over all epochs along half a cosine wave; exponential: times `factor` over `every` epochs,
    smoothly; step: times `factor` after each `every` epochs; piecewise: `rates` from the epochs `at` on; plateau: times
    `factor` when the eval loss was not better for `patience` epochs."""
    warm_up: float = Field(default=0.0, ge=0.0)
    """Epochs, or parts of one, over which the rate first rises from zero in a straight line."""
    factor: float | None = Field(default=None, gt=0.0, lt=1.0)
    """Default 0.5."""
    every: float | None = Field(default=None, gt=0.0)
    """Epochs; default 10."""
    at: tuple[Positive, ...] = ()
    """Epochs, rising; one for each of `rates`."""
    rates: tuple[Positive, ...] = ()
    patience: int | None = Field(default=None, ge=1)
    """Epochs; default 4."""
    lowest: float = Field(default=0.0, ge=0.0)
    """plateau: the rate does not fall below this."""

    @classmethod
    def idle(cls, given: Mapping[str, Any]) -> Collection[str]:
        """Keys of other schedules."""
        return _others(_SCHEDULES, given.get("name", "constant"))

    @model_validator(mode="after")
    def _fits(self) -> "Schedule":
        _only(self, _SCHEDULES, "schedule")
        if list(self.at) != sorted(set(self.at)) or len(self.at) != len(self.rates):
            raise ValueError("at must rise, and rates must have one entry for each of its epochs")
        if (self.name == "piecewise") != bool(self.at):
            raise ValueError("schedule 'piecewise' needs at = [EPOCH, ...] and rates = [RATE, ...]")
        return self


class Optimizer(Strict):
    """The descent rule and its step size."""

    name: Literal["adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adadelta"] = "adam"
    rate: float = Field(default=1e-3, gt=0.0)
    """Learning rate at the first step, after the warm-up."""
    momentum: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Share of the last step that goes into the next; default 0.9, for rmsprop 0."""
    rho: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Share of the old average of squared gradients that is kept; default 0.9, for adadelta 0.95."""
    beta_1: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Share of the old average of gradients that is kept; default 0.9."""
    beta_2: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Share of the old average of squared gradients that is kept; default 0.999."""
    weight_decay: float | None = Field(default=None, ge=0.0)
    """Share of each weight, times the rate, that each step takes away; default 0, for adamw 0.004."""
    schedule: Schedule = Schedule()

    @field_validator("schedule", mode="before")
    @classmethod
    def _short_form(cls, schedule: Any) -> Any:
        return {"name": schedule} if isinstance(schedule, str) else schedule

    @classmethod
    def idle(cls, given: Mapping[str, Any]) -> Collection[str]:
        """Keys of other optimizers."""
        return _others(_OPTIMIZERS, given.get("name", "adam"))

    @model_validator(mode="after")
    def _fits(self) -> "Optimizer":
        _only(self, _OPTIMIZERS, "optimizer")
        return self


class Clip(Strict):
    """The longest step that a gradient may ask for: one of the three."""

    norm: float | None = Field(default=None, gt=0.0)
    """Longest gradient of one weight tensor; a longer one is shortened."""
    value: float | None = Field(default=None, gt=0.0)
    """Largest size of any single entry."""
    global_norm: float | None = Field(default=None, gt=0.0)
    """Longest gradient of all weights together."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Clip":
        if sum(rule is not None for rule in (self.norm, self.value, self.global_norm)) != 1:
            raise ValueError("give one of norm, value and global_norm")
        return self


class EarlyStopping(Strict):
    """When training ends before its last epoch."""

    patience: int = Field(default=8, ge=1)
    """Epochs without a better value."""
    min_delta: float = Field(default=0.0, ge=0.0)
    """What is less than this much better does not count as better."""


class Training(Strict):
    """Keys of [training]."""

    loss: str | None = None
    """What training makes small; None: the task's own."""
    optimizer: Optimizer = Optimizer()
    clip: Clip | None = None
    batch_size: int = Field(default=128, ge=1)
    """Rows a step."""
    epochs: int = Field(default=60, ge=0)
    """Most passes over the train split; 0: the network is kept as it was made, with its given weights."""
    early_stopping: EarlyStopping | None = EarlyStopping()
    """False or None: all epochs."""
    monitor: str = "val_loss"
    """What tells the better of two epochs, for early stopping and for `keep`."""
    keep: Literal["best", "last"] = "best"
    """The weights that are kept: those of the best epoch, or those of the last."""
    class_weights: Literal["balanced"] | dict[str, Positive] | None = None
    """How much a row of each class counts in training. balanced: each class as much as any other."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Seed of the weights, the shuffle and dropout."""
    deterministic: bool = False
    """True: operations whose result depends on the order of threads are run in one order, or refused."""
    memory_gb: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """A split is held in memory while it needs less than a quarter of it, TensorFlow's copy included; above, it is
    read from files."""
    warm_start: bool = False
    """True: begin with the weights of the model that serves, matched by what they stand for."""

    @field_validator("class_weights", mode="before")
    @classmethod
    def _balanced_or_table(cls, value: Any) -> Any:
        if value is not None and value != "balanced" and not isinstance(value, dict):
            raise ValueError('class_weights is "balanced", or a table of class name = weight')
        return value

    @field_validator("early_stopping", mode="before")
    @classmethod
    def _switch(cls, value: Any) -> Any:
        return {True: EarlyStopping(), False: None}[value] if isinstance(value, bool) else value

    def check(self, task: str, classes: tuple[str, ...] | None) -> None:
        """See that the settings fit the label.

        Args:
            task: The label's task.
            classes: Names of its classes where they are known.

        Raises:
            ValueError: names the key.
        """
        if self.loss is not None and self.loss not in LOSSES[task]:
            raise ValueError(f"training.loss {self.loss!r} does not fit task {task!r}: {' or '.join(LOSSES[task])}")
        known = [*METRICS[task], *(f"val_{metric}" for metric in METRICS[task])]
        if self.monitor not in known:
            raise ValueError(f"training.monitor {self.monitor!r} is not measured for task {task!r}: {', '.join(known)}")
        if self.class_weights is not None and task not in CLASSES:
            raise ValueError(f"training.class_weights does nothing for task {task!r}: take it out")
        if isinstance(self.class_weights, dict) and classes is not None:
            unknown = sorted(set(self.class_weights) - set(classes))
            if unknown:
                raise ValueError(f"training.class_weights: {unknown[0]!r} is no class; there is: {', '.join(classes)}")
