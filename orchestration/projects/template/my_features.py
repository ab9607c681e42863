"""Features of your own: an example of a role, and of a preprocessing function. A config uses one or the other.

    [features]                                       preprocessing = "my_features.preprocessing_fn"
    my_features = [{column = "area", offset = 1}]

This module is imported when a config is read, so TensorFlow is imported inside the functions.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """The keys of one entry under [features]; `column` is inherited."""

    # Types in the schema that the column may have.
    types: ClassVar[tuple[str, ...]] = ("INT", "FLOAT")
    offset: float = Field(default=1, gt=0)
    """Added before the logarithm, in the unit of the column."""


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the model features, in the order in which the network sees them."""
    yield Output(name=f"{settings.column}_log")


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Return each feature as float32 (batch, 1): here the logarithm, scaled to mean 0 and deviation 1."""
    import tensorflow as tf
    import tensorflow_transform as tft

    value = tf.cast(columns.cells(settings.column, None).fill(0), tf.float32)
    return {f"{settings.column}_log": tft.scale_to_z_score(tf.math.log(value + settings.offset))}


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Make all features from raw columns, in training and in serving.

    Args:
        inputs: Raw columns by name, each a tensor of shape (batch, 1); a SparseTensor if the schema allows nulls.
        custom_config: `settings`, which hold the pipeline's config.

    Returns:
        Features by name: float32 of shape (batch, n), or int64 of shape (batch, 1) from a vocabulary or buckets.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    area, city = inputs["area"], inputs["city"]
    return {
        "log_area": tft.scale_to_z_score(tf.math.log1p(tf.cast(area, tf.float32))),
        "city": tft.compute_and_apply_vocabulary(city, num_oov_buckets=1),
    }
