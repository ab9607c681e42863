"""Wide and deep: categories, buckets and crosses straight to the output, the rest through hidden layers.

Cheng et al., "Wide & Deep Learning for Recommender Systems", 2016. The wide part remembers cells of a cross, the deep
part, of numbers, bags of words and learnt vectors, carries over to those it has not seen.
"""

from collections.abc import Sequence
from typing import Any

from models.layers import dense
from spec.columns.role import Output


class Settings(dense.Layers):
    """Keys of [network] with name = "wide_deep"."""


def check(outputs: Sequence[Output], network: Settings) -> None:
    """See that both parts have features.

    Raises:
        ValueError: one has none.
    """
    wide = [output for output in outputs if output.kind == "index" and output.dimension is None]
    deep = [output for output in outputs if output not in wide and output.kind != "image"]
    if not wide:
        raise ValueError("has no wide part: name columns under categorical, bucketized, hashed or crossed, or take mlp")
    if not deep:
        raise ValueError("has no deep part: name columns under numeric, text or embedded, or take linear")


def build(features: Any, network: Settings) -> Any:
    """Set the last hidden layer of the deep part beside the wide part, float32 (batch, layers[-1] + width)."""
    import keras

    deep = dense.hidden(features.deep, network, prefix="deep_")
    return keras.layers.Concatenate(name="wide_and_deep")([deep, features.wide])
