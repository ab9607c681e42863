"""How a network is trained: the typed settings of [training]. Plain Python, no TensorFlow."""

from typing import Literal

from pydantic import Field

from models.strict import Strict


class Optimizer(Strict):
    """The descent rule and its step size."""

    name: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"] = "adam"
    rate: float = Field(default=1e-3, gt=0.0)
    """Learning rate at the first step."""
    decay: Literal["constant", "cosine"] = "constant"
    """cosine: the rate falls to zero over all epochs along half a cosine wave."""


class EarlyStopping(Strict):
    """When training ends before its last epoch; the best epoch's weights are kept either way."""

    patience: int = Field(default=8, ge=1)
    """Epochs without a better loss on the eval split."""


class Training(Strict):
    """Keys of [training]."""

    optimizer: Optimizer = Optimizer()
    batch_size: int = Field(default=128, ge=1)
    """Rows a step."""
    epochs: int = Field(default=60, ge=1)
    """Most passes over the train split."""
    early_stopping: EarlyStopping | None = EarlyStopping()
    seed: int = Field(default=1, ge=0, lt=2**31)
    """Seed of the weights, the shuffle and dropout."""
