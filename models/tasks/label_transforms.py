"""What a regression's label becomes for the network, and the way back: one entry a value of label.transform."""

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
"""Name -> from the label to what is learned, and back; of float64 tensors."""
