"""Transformations of a regression's label and their inverses: one entry per value of label.transform."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

Function = Callable[[Any], Any]
TRANSFORMS: Mapping[str, tuple[Function, Function]] = {
    "none": (tf.identity, tf.identity),
    "log": (tf.math.log, tf.exp),
    "log1p": (tf.math.log1p, tf.math.expm1),
    "signed_log": (
        lambda number: tf.sign(number) * tf.math.log1p(tf.abs(number)),
        lambda value: tf.sign(value) * tf.math.expm1(tf.abs(value)),
    ),
}
"""Name -> function from the label to the training target, and its inverse; of float64 tensors."""
