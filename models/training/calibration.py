"""What the trained network says about its own certainty, fitted on the eval split: prediction intervals."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from models.data.split_rows import Rows
from models.layers.members import MemberMean
from models.tasks import conformal
from models.tasks.targets import LabelScale, Target
from models.training.fit import TrainResult, outputs_of
from spec.training import Training


@dataclass(frozen=True)
class Predictor:
    """What the exported model predicts with.

    Attributes:
        network: Keras model from model features by name to the outputs that `target` converts.
        target: Meaning of the outputs.
        notes: Remarks for the user, a sentence each.
    """

    network: Any
    target: Target
    notes: tuple[str, ...] = ()


def check(training: Training, rows: int) -> None:
    """Check before training that the eval split is large enough.

    Args:
        training: [training].
        rows: Number of rows of the eval split.

    Raises:
        ValueError: It is not.
    """
    if training.interval is not None and rows < conformal.fewest_rows(training.interval):
        raise ValueError(_too_few(training.interval, rows))


def fit(result: TrainResult, training: Training, rows: Callable[[], Rows]) -> Predictor:
    """Fit the intervals that [training] asks for.

    Args:
        result: The trained network.
        training: [training].
        rows: Returns the rows of the eval split.

    Raises:
        ValueError: The eval split has too few rows.
    """
    network, target = result.network, result.target
    if training.interval is None or not isinstance(target, LabelScale):
        return Predictor(network, target)
    evaluation, last = rows(), network.layers[-1]
    if isinstance(last, MemberMean):
        spread = keras.ops.std(last.input, axis=1)
        network = keras.Model(network.input, keras.ops.concatenate([network.output, spread], axis=-1))
    outputs = outputs_of(network, evaluation.x)
    interval = conformal.fit(evaluation.y, outputs, training.interval, evaluation.weight)
    if not np.isfinite(interval.quantile):
        raise ValueError(_too_few(training.interval, len(outputs)))
    target = replace(target, interval=interval)
    ends = target.answer(outputs)
    width = np.mean((ends["upper"] - ends["lower"]).numpy(), dtype=np.float64)
    scaled = "" if interval.offset is None else ", scaled by the members' spread"
    note = (
        f"intervals of {100 * training.interval:g} % from the errors of {len(outputs):,} eval rows{scaled}: mean width "
        f"{width:.4g}"
    )
    return Predictor(network if interval.offset is not None else result.network, target, (note,))


def _too_few(level: float, rows: int) -> str:
    return (
        f"training.interval = {level:g} needs {conformal.fewest_rows(level):,} rows in the eval split, and it has "
        f"{rows:,}: give eval a larger share in data.split, lower the interval, or remove it"
    )
