"""A network of your own: dense layers with a connection around each of them.

Copy this file into your project as my_network.py, and name its function in the config:

    [network]
    name = "my_network.build"
    units = 16
    blocks = 2
"""

from collections.abc import Mapping
from typing import Any


def build(features: Any, settings: Mapping[str, Any]) -> Any:
    """Map the features to the last hidden layer.

    Args:
        features: models.layers.feature_inputs.FeatureInputs: `vector` is all of them, float32 (batch, width).
        settings: The keys of [network] but `name`.

    Returns:
        float32 (batch, units). Training adds the output that the label needs.
    """
    import keras

    units = int(settings.get("units", 16))
    vector = keras.layers.Dense(units, name="entry")(features.vector)
    for number in range(int(settings.get("blocks", 2))):
        change = keras.layers.Dense(units, activation="relu", name=f"block_{number}")(vector)
        vector = keras.layers.Add(name=f"sum_{number}")([vector, change])
    return vector
