"""[training]: how a network is trained. Plain Python, no TensorFlow."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from spec.base import Strict
from spec.columns import task as tasks

CLASSES = ("binary", "classes")
"""Kinds of tasks whose label is a class."""
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
"""Optimizer -> keys that only some optimizers have."""
_SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "constant": ("warm_up",),
    "cosine": ("warm_up",),
    "flat_cosine": ("warm_up",),
    "coslog": (),
    "exponential": ("warm_up", "factor", "every"),
    "step": ("warm_up", "factor", "every"),
    "piecewise": ("warm_up", "at", "learning_rates"),
    "plateau": ("factor", "patience", "min_learning_rate"),
}
"""Schedule -> keys that only some schedules have."""


def _keys_without_effect(keys: Mapping[str, tuple[str, ...]], name: Any) -> list[str]:
    """Return the keys of other names in the table that have no effect with this name."""
    all_keys = dict.fromkeys(key for allowed in keys.values() for key in allowed)
    return [key for key in all_keys if key not in keys.get(name, all_keys)]


def _check_keys(settings: Any, keys: Mapping[str, tuple[str, ...]], kind: str) -> None:
    """Reject keys that have no effect with the name of the settings."""
    for key in _keys_without_effect(keys, settings.name):
        if getattr(settings, key) != type(settings).model_fields[key].default:
            allowed = ", ".join(keys[settings.name])
            raise ValueError(f"{key} has no effect with {kind} {settings.name!r}, whose keys are {allowed}: remove it")


class Schedule(Strict):
    """Learning-rate schedule."""

    renamed: ClassVar[Mapping[str, str]] = {"rates": "learning_rates", "lowest": "min_learning_rate"}
    name: Literal["constant", "cosine", "flat_cosine", "coslog", "exponential", "step", "piecewise", "plateau"] = (
        "constant"
    )
    """cosine: to zero over all epochs, along half a cosine; flat_cosine: constant over the first half of them, then
    along half a cosine; coslog: four cycles from zero to the learning rate and back, each about twice as long as the
    one before, (1 - cos(2 pi log2(1 + 15 t))) / 2 with t from 0 to 1; exponential: multiply by `factor` over `every`
    epochs, smoothly; step: multiply by `factor` after each `every` epochs; piecewise: `learning_rates` from the
    epochs `at` on; plateau: multiply by `factor` after `patience` epochs without a better eval loss."""
    warm_up: float = Field(default=0.0, ge=0.0)
    """Number of epochs over which the learning rate first rises linearly from zero; not for plateau."""
    factor: float | None = Field(default=None, gt=0.0, lt=1.0)
    """exponential, step, plateau: multiplier. Unset: 0.5."""
    every: float | None = Field(default=None, gt=0.0)
    """exponential, step: number of epochs. Unset: 10."""
    at: tuple[Positive, ...] = ()
    """piecewise: ascending epochs, one for each of `learning_rates`."""
    learning_rates: tuple[Positive, ...] = ()
    """piecewise: learning rates."""
    patience: int | None = Field(default=None, ge=1)
    """plateau: number of epochs. Unset: 4."""
    min_learning_rate: float = Field(default=0.0, ge=0.0)
    """plateau: lower bound of the learning rate."""

    @classmethod
    def idle(cls, section: Mapping[str, Any]) -> Collection[str]:
        """Return the keys of other schedules."""
        return _keys_without_effect(_SCHEDULES, section.get("name", "constant"))

    @model_validator(mode="after")
    def _fits(self) -> "Schedule":
        _check_keys(self, _SCHEDULES, "schedule")
        if list(self.at) != sorted(set(self.at)) or len(self.at) != len(self.learning_rates):
            raise ValueError("at must rise, and learning_rates must have one entry for each of its epochs")
        if (self.name == "piecewise") != bool(self.at):
            raise ValueError("schedule 'piecewise' needs at = [EPOCH, ...] and learning_rates = [RATE, ...]")
        return self


class Optimizer(Strict):
    """Optimizer and learning rate."""

    renamed: ClassVar[Mapping[str, str]] = {"rate": "learning_rate"}
    name: Literal["adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adadelta"] = "adam"
    """Keras optimizer; momentum and nesterov are SGD with momentum."""
    learning_rate: float = Field(default=1e-3, gt=0.0)
    """Learning rate at the first step after the warm-up."""
    momentum: float | None = Field(default=None, ge=0.0, lt=1.0)
    """momentum, nesterov, rmsprop: momentum. Unset: 0.9, for rmsprop 0."""
    rho: float | None = Field(default=None, ge=0.0, lt=1.0)
    """rmsprop, adadelta: decay rate of the squared gradients. Unset: 0.9, for adadelta 0.95."""
    beta_1: float | None = Field(default=None, ge=0.0, lt=1.0)
    """adam, adamw: decay rate of the first-moment estimate. Unset: 0.9."""
    beta_2: float | None = Field(default=None, ge=0.0, lt=1.0)
    """adam, adamw: decay rate of the second-moment estimate. Unset: 0.999."""
    weight_decay: float | None = Field(default=None, ge=0.0)
    """Weight decay per step, times the learning rate; apart from the gradient and its moments. Unset: 0, for adamw
    0.004."""
    weight_decay_exclude: tuple[str, ...] = ()
    """Weights without weight decay, as patterns of their paths, such as "*/bias"; * stands for any text."""
    weight_decay_schedule: Literal["constant", "flat_cosine"] = "constant"
    """flat_cosine: constant over the first half of all epochs, then to zero along half a cosine."""
    learning_rate_factors: dict[str, Positive] = Field(default_factory=dict)
    """Factor of the learning rate for groups of weights, such as {"*/bias" = 0.1}; the first pattern that matches the
    path of a weight counts."""
    schedule: Schedule = Schedule()
    """Learning-rate schedule: a name such as "cosine", or a table."""

    @field_validator("schedule", mode="before")
    @classmethod
    def _short_form(cls, schedule: Any) -> Any:
        return {"name": schedule} if isinstance(schedule, str) else schedule

    @classmethod
    def idle(cls, section: Mapping[str, Any]) -> Collection[str]:
        """Return the keys of other optimizers."""
        return _keys_without_effect(_OPTIMIZERS, section.get("name", "adam"))

    @model_validator(mode="after")
    def _fits(self) -> "Optimizer":
        _check_keys(self, _OPTIMIZERS, "optimizer")
        for key in ("weight_decay_exclude", "weight_decay_schedule"):
            if getattr(self, key) != type(self).model_fields[key].default and not self.decays:
                raise ValueError(f"{key} has no effect without weight_decay: set it, or remove {key}")
        return self

    @property
    def decays(self) -> bool:
        """Whether weights decay."""
        return self.name == "adamw" if self.weight_decay is None else self.weight_decay > 0


class Clip(Strict):
    """Gradient clipping; set one of the three keys."""

    norm: float | None = Field(default=None, gt=0.0)
    """Clip each gradient tensor to this L2 norm."""
    value: float | None = Field(default=None, gt=0.0)
    """Clip each entry of a gradient to this absolute value."""
    global_norm: float | None = Field(default=None, gt=0.0)
    """Clip all gradients together to this L2 norm."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Clip":
        if sum(rule is not None for rule in (self.norm, self.value, self.global_norm)) != 1:
            raise ValueError("give one of norm, value and global_norm")
        return self


class EarlyStopping(Strict):
    """When training ends before its last epoch."""

    patience: int = Field(default=8, ge=1)
    """Number of epochs without an improvement before training stops."""
    min_delta: float = Field(default=0.0, ge=0.0)
    """Smallest change that counts as an improvement."""


class Training(Strict):
    """Keys of [training]."""

    loss: str | None = None
    """Loss to minimize. Unset: the first one listed for the task below."""
    optimizer: Optimizer = Optimizer()
    clip: Clip | None = None
    """Gradient clipping: norm, value or global_norm. Unset: none."""
    batch_size: int = Field(default=128, ge=1)
    """Rows per step."""
    epochs: int = Field(default=60, ge=0)
    """Largest number of passes over the train split; 0: keep the initial weights."""
    early_stopping: EarlyStopping | None = EarlyStopping()
    """When training ends before its last epoch; false: never."""
    monitor: str = "val_loss"
    """Metric that decides which of two epochs is better, for early stopping and `keep`: loss, mae or mse (regression),
    accuracy (binary, classes), with the prefix val_ for the eval split."""
    keep: Literal["best", "last"] = "best"
    """Weights to keep: those of the best epoch or of the last."""
    class_weights: Literal["balanced"] | dict[str, Positive] | None = None
    """binary, classes: weight of each class in training: "balanced", or a table of class = weight, with 1 for classes
    it does not list."""
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    """binary, classes: share of a row's label that is spread evenly over all classes in training, with the loss
    cross_entropy; val_loss is that of the labels themselves."""
    interval: float | None = Field(default=None, gt=0.0, lt=1.0)
    """regression: share of new rows whose label is to lie between the model's outputs `lower` and `upper`, such as 0.9.
    The width comes from the errors on the eval split, and from the disagreement of a network's members. Unset: no such
    outputs."""
    calibration: Literal["temperature"] | None = None
    """binary, classes: temperature: divide the logits by one number that minimizes the log loss on the eval split, so
    that probabilities are closer to observed shares; the most likely class stays the same. Unset: none."""
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Seed of initial weights, shuffling and dropout."""
    deterministic: bool = False
    """Run operations whose result depends on thread order in a fixed order, or refuse them."""
    memory_gb: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """A split that needs less than a quarter of this many GB is held in memory, including TensorFlow's copy. A larger
    one is read from files, in shuffled blocks of 65,536 rows, and memory stays constant."""
    warm_start: bool = False
    """Start from the weights of the model that serves, matched by meaning."""

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
        """Check that the settings fit the label.

        Args:
            task: The label's task.
            classes: Names of its classes, if known.

        Raises:
            ValueError: A key does not fit; the message names it.
        """
        file = tasks.find(task)
        if self.loss is not None and self.loss not in file.losses:
            raise ValueError(f"training.loss {self.loss!r} does not fit task {task!r}: {' or '.join(file.losses)}")
        monitors = [*file.monitors, *(f"val_{metric}" for metric in file.monitors)]
        if self.monitor not in monitors:
            raise ValueError(
                f"training.monitor {self.monitor!r} is not measured for task {task!r}: {', '.join(monitors)}"
            )
        if self.class_weights is not None and file.kind not in CLASSES:
            raise ValueError(f"training.class_weights has no effect with task {task!r}: remove it")
        if self.label_smoothing and (file.kind not in CLASSES or self.loss not in (None, "cross_entropy")):
            setting = f"task {task!r}" if file.kind not in CLASSES else f"loss {self.loss!r}"
            raise ValueError(f"training.label_smoothing has no effect with {setting}: remove it")
        if self.interval is not None and task != "regression":
            raise ValueError(f"training.interval has no effect with task {task!r}: remove it")
        if self.calibration is not None and task not in CLASSES:
            raise ValueError(f"training.calibration has no effect with task {task!r}: remove it")
        if isinstance(self.class_weights, dict) and classes is not None:
            unknown = sorted(set(self.class_weights) - set(classes))
            if unknown:
                raise ValueError(
                    f"training.class_weights: {unknown[0]!r} is not a class. Known classes: {', '.join(classes)}"
                )
