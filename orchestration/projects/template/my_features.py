"""Features of your own: an example, which a config names as preprocessing = "my_features.preprocessing_fn"."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, Any]:
    """Make features from raw columns, in training and in serving.

    Args:
        inputs: Raw columns by name, each a tensor of shape (batch, 1); a SparseTensor if the schema allows nulls.
        custom_config: `settings`, which hold the pipeline's config.

    Returns:
        Features by name: float32 of shape (batch, n), or int64 of shape (batch, 1) from a vocabulary or buckets.
    """
    area, city = inputs["area"], inputs["city"]
    return {
        "log_area": tft.scale_to_z_score(tf.math.log1p(tf.cast(area, tf.float32))),
        "city": tft.compute_and_apply_vocabulary(city, num_oov_buckets=1),
    }
