"""A role of your own: a number that repeats, such as an hour or a weekday, as its sine and cosine.

Copy this file into your project as my_role.py, and name it under [features]:

    [features]
    my_role = [{column = "hour", period = 24}]
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """The keys of one entry; `column` is inherited."""

    # Types in the schema that the column may have.
    types: ClassVar[tuple[str, ...]] = ("INT", "FLOAT")
    period: float = Field(gt=0)
    """The number after which values repeat, in the unit of the column."""
    missing: float | None = None
    """Replacement of null. Unset: the column must be complete."""


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the model features, in the order in which the network sees them."""
    yield Output(name=f"{settings.column}_sin")
    yield Output(name=f"{settings.column}_cos")


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Return each feature as float32 (batch, 1).

    It becomes part of the exported model, so a served row is transformed by the same graph. Statistics of the train
    split, such as tft.mean, can be used too.
    """
    # Configs are read without TensorFlow.
    import tensorflow as tf

    cells = columns.cells(settings.column, settings.missing)
    value = tf.cast(cells.fill(settings.missing or 0), tf.float32)
    angle = 2 * math.pi * value / settings.period
    return {f"{settings.column}_sin": tf.sin(angle), f"{settings.column}_cos": tf.cos(angle)}
