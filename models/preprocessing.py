"""Raw columns to model features, made from the config's roles.

Numbers come out as float32 (batch, 1), categories, buckets and crosses as int64 indices (batch, 1); the network's first
layer (models/features.py) turns indices into one-hot vectors, so that a record stays small until it is in the model.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from models import role_kinds as kinds
from models import roles, settings
from models.label import LABEL, Label


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Transform a batch of raw columns; TFX calls it by this name and these arguments.

    Args:
        inputs: Raw columns by name, each a tensor of (batch, 1) in its schema's dtype.
        custom_config: Packed settings with `features` and `label`.

    Returns:
        Model features by name, and the label, (batch, 1), under `label`.
    """
    config = settings.unpack(custom_config["settings"])
    features = roles.Features.model_validate(config["features"])
    label = Label.model_validate(config["label"])
    outputs: dict[str, tf.Tensor] = {}
    indices: dict[str, tf.Tensor] = {}
    depths: dict[str, int] = {}
    for numeric in features.numeric:
        outputs[numeric.column] = _float(_scale(_double(inputs[numeric.column]), numeric.scale))
    for bucketized in features.bucketized:
        column = bucketized.column
        indices[column] = _bucketize(_float(inputs[column]), bucketized)
        depths[column] = bucketized.depth
        if bucketized.input:
            outputs[f"{column}_bucket"] = indices[column]
    for categorical in features.categorical:
        indices[categorical.column] = _vocabulary(inputs[categorical.column], categorical)
        outputs[f"{categorical.column}_index"] = indices[categorical.column]
    for crossed in features.crossed:
        outputs["_x_".join(crossed.columns_)] = _cross(crossed, indices, depths)
    for date in features.date:
        parts = _date_parts(inputs[date.column])
        for part in date.parts:
            value = parts[part]
            outputs[f"{date.column}_{part}"] = (
                value if kinds.DATE_PARTS[part] else _float(tft.scale_to_z_score(_double(value)))
            )
    # At serving time there is no label; TFX traces with it and prunes what is not asked for.
    if label.column is not None:
        outputs[LABEL] = _label(inputs[label.column], label)
    return outputs


def _float(value: tf.Tensor) -> tf.Tensor:
    return tf.cast(value, tf.float32)


def _double(value: tf.Tensor) -> tf.Tensor:
    """In float64, for arithmetic that cancels.

    A logarithm's last bit depends on a row's place in its batch, and what is left after its mean is taken off shows
    that bit ten times larger.
    """
    return tf.cast(value, tf.float64)


def _scale(value: tf.Tensor, scale: str) -> tf.Tensor:
    if scale == "log1p":
        value = tf.math.log1p(tf.maximum(value, 0.0))
    if scale in ("z_score", "log1p"):
        return tft.scale_to_z_score(value)
    if scale == "min_max":
        return tft.scale_to_0_1(value)
    return value


def _bucketize(value: tf.Tensor, role: kinds.Bucketized) -> tf.Tensor:
    if role.quantiles is not None:
        return tft.bucketize(value, role.quantiles)
    return tft.apply_buckets(value, tf.constant([role.edges], tf.float32))


def _vocabulary(value: tf.Tensor, role: kinds.Categorical) -> tf.Tensor:
    return tft.compute_and_apply_vocabulary(
        value,
        num_oov_buckets=role.oov,
        top_k=role.vocabulary_size,
        frequency_threshold=role.min_frequency,
        vocab_filename=role.column,
    )


def _cross(role: kinds.Crossed, indices: Mapping[str, tf.Tensor], depths: Mapping[str, int]) -> tf.Tensor:
    buckets = role.buckets or 0
    if all(column in depths for column in role.columns_):
        cells = 1
        for column in role.columns_:
            cells *= depths[column]
        if cells <= buckets:
            cell = tf.zeros_like(indices[role.columns_[0]])
            for column in role.columns_:
                cell = cell * depths[column] + indices[column]
            return cell
    keys = [tf.strings.as_string(indices[column]) for column in role.columns_]
    return tf.strings.to_hash_bucket_fast(tf.strings.join(keys, separator="|"), buckets)


def _date_parts(text: tf.Tensor) -> dict[str, tf.Tensor]:
    """Take YYYY-MM-DD apart, as int64 (batch, 1) each.

    Days since 1970-01-01 in the proleptic Gregorian calendar: H. Hinnant, "chrono-Compatible Low-Level Date
    Algorithms", days_from_civil (howardhinnant.github.io/date_algorithms.html).
    """
    year = tf.strings.to_number(tf.strings.substr(text, 0, 4), tf.int64)
    month = tf.strings.to_number(tf.strings.substr(text, 5, 2), tf.int64)
    day = tf.strings.to_number(tf.strings.substr(text, 8, 2), tf.int64)
    shifted = year - tf.cast(month <= 2, tf.int64)
    era = shifted // 400
    year_of_era = shifted - era * 400
    month_from_march = (month + 9) % 12
    day_of_year = (153 * month_from_march + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days = era * 146097 + day_of_era - 719468
    return {"year": year, "month": month - 1, "day": day - 1, "day_of_week": (days + 3) % 7, "days": days}


def _label(value: tf.Tensor, label: Label) -> tf.Tensor:
    """float32 number for a regression, int64 class index otherwise; -1 for a value that is no class."""
    if label.task == "regression":
        number = _double(value)
        return _float(tf.math.log(number) if label.transform == "log" else number)
    if label.threshold is not None:
        return tf.cast(_double(value) >= label.threshold, tf.int64)
    if label.tiers is not None:
        return tft.bucketize(_float(value), label.tiers)
    text = value if value.dtype == tf.string else tf.strings.as_string(value)
    if label.positive is not None:
        return tf.cast(tf.equal(text, label.positive), tf.int64)
    if label.classes:
        same = tf.equal(text, tf.constant([label.classes]))
        index = tf.argmax(tf.cast(same, tf.int64), axis=1)
        return tf.where(tf.reduce_any(same, axis=1), index, -tf.ones_like(index))[:, tf.newaxis]
    return tft.compute_and_apply_vocabulary(text, default_value=-1, vocab_filename=LABEL)
