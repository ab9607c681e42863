"""Wide and deep: categories, buckets and crosses directly to the output, the rest through hidden layers.

Cheng et al., "Wide & Deep Learning for Recommender Systems", 2016. The wide part memorizes cells of a cross; the deep
part, of numbers, bags of words and embeddings, generalizes.
"""

from collections.abc import Sequence
from typing import Any

from models.layers import dense
from spec.columns.role import Output


class Settings(dense.Layers):
    """Keys of [network] with name = "wide_deep"."""


def check(outputs: Sequence[Output], network: Settings) -> None:
    """Check that both parts have features.

    Raises:
        ValueError: One of them has none.
    """
    wide = [output for output in outputs if output.kind == "index" and output.dimension is None]
    deep = [output for output in outputs if output not in wide and output.kind != "image"]
    if not wide:
        raise ValueError("has no wide part: name columns under categorical, bucketized, hashed or crossed, or take mlp")
    if not deep:
        raise ValueError("has no deep part: name columns under numeric, text or embedded, or take linear")


def build(features: Any, network: Settings) -> Any:
    """Concatenate the last hidden layer of the deep part and the wide part, float32 (batch, layers[-1] + width)."""
    import keras

    deep = dense.hidden(features.deep, network, prefix="deep_")
    return keras.layers.Concatenate(name="wide_and_deep")([deep, features.wide])
