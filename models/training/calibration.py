"""Calibration of a trained network on the eval split: prediction intervals, and the temperature of probabilities."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from models.data.split_rows import Rows
from models.layers.members import MemberMean
from models.tasks import conformal, temperature
from models.tasks.classes_task import ClassTarget
from models.tasks.regression_task import LabelScale
from models.tasks.targets import Target
from models.training.fit import TrainResult, outputs_of
from spec.training import Training


@dataclass(frozen=True)
class Predictor:
    """Network and target with which the exported model predicts.

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
        ValueError: The eval split is too small.
    """
    if training.interval is not None and rows < conformal.fewest_rows(training.interval):
        raise ValueError(_too_few(training.interval, rows))


def fit(result: TrainResult, training: Training, rows: Callable[[], Rows]) -> Predictor:
    """Fit the intervals, or the temperature of the logits, that [training] asks for.

    Args:
        result: The trained network.
        training: [training].
        rows: Returns the rows of the eval split.

    Raises:
        ValueError: The eval split has too few rows.
    """
    target = result.target
    if training.interval is not None and isinstance(target, LabelScale):
        return _with_intervals(result.network, target, training.interval, rows())
    if training.calibration is not None and isinstance(target, ClassTarget):
        return _with_temperature(result.network, target, rows())
    return Predictor(result.network, target)


def _with_intervals(trained: Any, target: LabelScale, level: float, evaluation: Rows) -> Predictor:
    network, last_layer = trained, trained.layers[-1]
    if isinstance(last_layer, MemberMean):
        spread = keras.ops.std(last_layer.input, axis=1)
        network = keras.Model(network.input, keras.ops.concatenate([network.output, spread], axis=-1))
    outputs = outputs_of(network, evaluation.x)
    interval = conformal.fit(evaluation.y, outputs, level, evaluation.weight)
    if not np.isfinite(interval.quantile):
        raise ValueError(_too_few(level, len(outputs)))
    target = replace(target, interval=interval)
    ends = target.answer(outputs)
    width = np.mean((ends["upper"] - ends["lower"]).numpy(), dtype=np.float64)
    scaled = "" if interval.offset is None else ", scaled by the members' spread"
    note = (
        f"intervals of {100 * level:g} % from the errors of {len(outputs):,} eval rows{scaled}: mean width {width:.4g}"
    )
    return Predictor(network if interval.offset is not None else trained, target, (note,))


def _with_temperature(network: Any, target: ClassTarget, evaluation: Rows) -> Predictor:
    outputs = outputs_of(network, evaluation.x)
    fitted = temperature.fit(evaluation.y, outputs, evaluation.weight)
    original_loss, scaled_loss = (
        temperature.log_loss(evaluation.y, outputs / number, evaluation.weight) for number in (1.0, fitted)
    )
    note = (
        f"temperature {fitted:.4g} from {len(outputs):,} eval rows: log loss {scaled_loss:.4g}, "
        f"before {original_loss:.4g}"
    )
    return Predictor(network, replace(target, temperature=fitted), (note,))


def _too_few(level: float, rows: int) -> str:
    return (
        f"training.interval = {level:g} needs {conformal.fewest_rows(level):,} rows in the eval split, and it has "
        f"{rows:,}: give eval a larger share in data.split, lower the interval, or remove it"
    )
