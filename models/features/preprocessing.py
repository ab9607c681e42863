"""Raw columns to model features, made from the config's roles.

Numbers come out as float32 (batch, 1), categories, buckets and crosses as int64 indices (batch, 1); the network's first
layers turn indices into one-hot or learnt vectors, so that a record stays small until it is in the model. What each
role does is in models/transforms.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from models.features import categorical as categories
from models.features import date as dates
from models.features import image as images
from models.features import numeric as numbers
from models.features import text, user_preprocessing
from models.features.raw_columns import Cells
from models.tasks import label_graph
from spec import settings
from spec.columns import role_kinds as kinds
from spec.columns import roles
from spec.columns.label import LABEL, Label


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Transform a batch of raw columns; TFX calls it by this name and these arguments.

    Args:
        inputs: Raw columns by name in their schema's dtype: a tensor of (batch, 1), or a SparseTensor where the schema
            lets a cell be missing.
        custom_config: Packed settings with `features`, `label` and `columns`, and `preprocessing` where the user's own
            function makes the features.

    Returns:
        Model features by name; the label, (batch, 1), under `label`; a row's weight, float32 (batch, 1), under
        `row_weight` where a column has that duty.
    """
    config = settings.unpack(custom_config["settings"])
    label = Label.model_validate(config["label"])
    duties = roles.Duties.model_validate(config.get("columns", {}))
    features = roles.Features.model_validate(config["features"])
    if config.get("preprocessing"):
        outputs = user_preprocessing.preprocess(
            config["preprocessing"], inputs, custom_config, features=features, label=label, duties=duties
        )
    else:
        outputs = _by_role(inputs, features)
    # At serving time there is neither label nor weight; TFX traces with them and prunes what is not asked for.
    if label.column is not None and LABEL not in outputs:
        outputs[LABEL] = label_graph.label(inputs[label.column], label)
    if duties.weight is not None:
        outputs[roles.WEIGHT] = label_graph.weight(inputs[duties.weight], duties.weight)
    return outputs


def _by_role(inputs: Mapping[str, Any], features: roles.Features) -> dict[str, tf.Tensor]:
    outputs: dict[str, tf.Tensor] = {}
    indices: dict[str, tf.Tensor] = {}
    depths: dict[str, int] = {}
    factors: dict[str, tuple[Cells, tf.Tensor]] = {}
    for numeric in features.numeric:
        factors[numeric.column] = numbers.number(inputs[numeric.column], numeric)
        outputs[numeric.column] = numbers.numeric(*factors[numeric.column], numeric.scale)
    for passed in features.passthrough:
        factors[passed.column] = numbers.number(inputs[passed.column], passed)
        outputs[passed.column] = numbers.numeric(*factors[passed.column], "none")
    for bucketized in features.bucketized:
        indices[bucketized.column] = numbers.bucketized(inputs[bucketized.column], bucketized)
        depths[bucketized.column] = bucketized.depth
        _put(outputs, bucketized, indices[bucketized.column])
    for categorical in features.categorical:
        index = categories.categorical(inputs[categorical.column], categorical)
        if categorical.encode == "ordinal":
            index = tf.cast(index, tf.float32)
        else:
            indices[categorical.column] = index
        _put(outputs, categorical, index)
    for hashed in features.hashed:
        _put(outputs, hashed, categories.hashed(inputs[hashed.column], hashed))
    for embedded in features.embedded:
        _put(outputs, embedded, categories.embedded(inputs[embedded.column], embedded))
    for crossed in features.crossed:
        if crossed.product:
            _put(outputs, crossed, numbers.product(factors[column] for column in crossed.columns_))
        else:
            _put(outputs, crossed, categories.crossed(crossed, indices, depths))
    for words in features.text:
        _put(outputs, words, text.text(inputs[words.column], words))
    for image in features.image:
        _put(outputs, image, images.image(inputs[image.column], image))
    for date in features.date:
        for part, value in dates.date(inputs[date.column], date).items():
            outputs[f"{date.column}_{part}"] = value
    return outputs


def _put(outputs: dict[str, tf.Tensor], role: kinds.Entry, value: tf.Tensor) -> None:
    """Name a role's one feature as the role does; one that is only for a cross has no name."""
    for output in role.outputs():
        outputs[output.name] = value
