"""Categories: the place of a value in a given or learnt vocabulary, or in a hash table, and crosses of them.

Vocabularies are of text; integers are written out. TFT keeps a vocabulary as lines of a file, so a line break within a
value counts as a blank, and the empty text is never in a learnt one.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import schema_inference

from models.features import raw_columns
from models.features.raw_columns import Cells
from spec.columns import role_kinds as kinds

NAME_BYTES = 255
"""Longest name of a file."""


def categorical(raw: Any, role: kinds.Categorical) -> tf.Tensor:
    """The place in the vocabulary, int64 (batch, 1): out-of-vocabulary buckets after it, a missing value's own last."""
    made, text = _read(raw, role)
    if not role.categories:
        name = f"{role.column}_index"
        return _learnt(made, text, role, name, role.num_oov)
    index = given(text, role.categories)
    if role.num_oov:
        behind = len(role.categories) + tf.strings.to_hash_bucket_fast(text, role.num_oov)
        index = tf.where(index >= 0, index, behind)
    return _own(made, index, role, role.depth - 1)


def embedded(raw: Any, role: kinds.Embedded) -> tf.Tensor:
    """As `categorical` with a learnt vocabulary."""
    made, text = _read(raw, role)
    return _learnt(made, text, role, f"{role.column}_vector", role.oov)


def hashed(raw: Any, role: kinds.Hashed) -> tf.Tensor:
    """The bucket of the value's FarmHash fingerprint, int64 (batch, 1); a missing value's own last."""
    made, text = _read(raw, role)
    return _own(made, tf.strings.to_hash_bucket_fast(text, role.buckets), role, role.buckets)


def crossed(role: kinds.Crossed, indices: Mapping[str, tf.Tensor], depths: Mapping[str, int]) -> tf.Tensor:
    """The cell of two or more indices, int64 (batch, 1).

    Args:
        role: The cross.
        indices: Column -> its index, (batch, 1).
        depths: Column -> number of its buckets, for bucketized columns.
    """
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


def given(text: tf.Tensor, categories: tuple[str, ...]) -> tf.Tensor:
    """The place of a text, (batch, 1), in a vocabulary that is given; -1 for one that it lacks."""
    same = tf.equal(text, tf.constant([categories]))
    index = tf.argmax(tf.cast(same, tf.int64), axis=1)
    return tf.where(tf.reduce_any(same, axis=1), index, -tf.ones_like(index))[:, tf.newaxis]


def as_line(value: tf.Tensor) -> tf.Tensor:
    """A value as text in one line."""
    if value.dtype != tf.string:
        return tf.strings.as_string(value)
    return tf.strings.regex_replace(value, r"[\r\n]+", " ")


def vocabulary_name(output: str) -> str:
    """Name of the vocabulary of a model feature, under which TFTransformOutput finds it.

    TFT makes the name of a file and of a TensorFlow scope of it, which takes ASCII alone. Different signs become one,
    a long name is cut, and a digest keeps them apart.
    """
    plain = re.sub(r"\W", "_", output, flags=re.ASCII).lstrip("_")
    if plain == output and len(plain) <= NAME_BYTES:
        return output
    digest = hashlib.sha256(output.encode()).hexdigest()[:8]
    return f"{plain[: NAME_BYTES - 1 - len(digest)]}_{digest}".lstrip("_")


def _read(raw: Any, role: kinds.Categorical | kinds.Embedded | kinds.Hashed) -> tuple[Cells, tf.Tensor]:
    """The cells as text, and their (batch, 1) with the stand-in in the place of missing ones."""
    made = raw_columns.read(raw, role.column, role.missing).map(as_line)
    return made, made.fill("" if role.missing in ("category", *raw_columns.NO_RULE) else role.missing)


def _learnt(
    made: Cells, text: tf.Tensor, role: kinds.Categorical | kinds.Embedded, name: str, num_oov: int
) -> tf.Tensor:
    vocabulary = tft.vocabulary(
        made.there,
        top_k=role.vocabulary_size,
        frequency_threshold=role.min_frequency,
        vocab_filename=vocabulary_name(name),
    )
    index = tft.apply_vocabulary(text, vocabulary, num_oov_buckets=num_oov)
    size = tft.get_num_buckets_for_transformed_feature(index)
    own = role.missing == "category"
    index = _own(made, tf.identity(index), role, size)
    # The network asks the transformed schema for the number of indices, which TFT tells only where the least is 0.
    schema_inference.set_tensor_schema_override(index, tf.constant(0, tf.int64), size if own else size - 1)
    return index


def _own(made: Cells, index: tf.Tensor, role: Any, last: Any) -> tf.Tensor:
    """Give a missing cell an index of its own where the role says so."""
    if role.missing != "category" or made.present is None:
        return index
    return tf.where(made.present, index, tf.cast(last, tf.int64))
