"""Indices of values in a given or a learned vocabulary.

Tokens are text; integers are converted to text. TFT stores a vocabulary as lines of a file, so a line break within a
value counts as a space, and a learned vocabulary never contains the empty text.
"""

import hashlib
import re
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import schema_inference

from models.transform_graph import raw_columns
from models.transform_graph.column_batch import ColumnBatch
from models.transform_graph.raw_columns import Cells

NAME_BYTES = 255
"""Maximum length of a file name, in bytes."""


def read(columns: ColumnBatch, column: str, missing: str | None) -> tuple[Cells, tf.Tensor]:
    """Read a column as text.

    Args:
        columns: Batch of raw columns.
        column: Name of the column.
        missing: "category" for a separate index of nulls, or the text that replaces them.

    Returns:
        Cells as text, and string (batch, 1) with nulls replaced.
    """
    cells = columns.cells(column, missing).map(as_line)
    return cells, cells.fill("" if missing in ("category", *raw_columns.NO_RULE) else missing)


def lookup(text: tf.Tensor, categories: tuple[str, ...]) -> tf.Tensor:
    """Return the index of each text, string (batch, 1), in a given vocabulary, int64 (batch, 1); -1 if it is OOV."""
    equal = tf.equal(text, tf.constant([categories]))
    index = tf.argmax(tf.cast(equal, tf.int64), axis=1)
    return tf.where(tf.reduce_any(equal, axis=1), index, -tf.ones_like(index))[:, tf.newaxis]


def learned(
    cells: Cells,
    text: tf.Tensor,
    *,
    name: str,
    size: int | None,
    min_frequency: int | None,
    num_oov: int,
    missing: str | None,
) -> tf.Tensor:
    """Return the index of each text in the vocabulary of the train split.

    Args:
        cells: Cells as text, from which the vocabulary is learned.
        text: string (batch, 1), nulls replaced.
        name: Name of the model feature.
        size: Number of tokens to keep, the most frequent; None for all.
        min_frequency: Least number of occurrences of a token; None for 1.
        num_oov: Number of out-of-vocabulary buckets.
        missing: "category" for a separate index of nulls, the last.

    Returns:
        int64 (batch, 1).
    """
    vocabulary = tft.vocabulary(
        cells.not_null, top_k=size, frequency_threshold=min_frequency, vocab_filename=vocabulary_name(name)
    )
    index = tft.apply_vocabulary(text, vocabulary, num_oov_buckets=num_oov)
    depth = tft.get_num_buckets_for_transformed_feature(index)
    index = with_null_index(cells, tf.identity(index), missing, depth)
    # The network reads the number of indices from the transformed schema, where TFT writes it only if the minimum is 0.
    highest = depth if missing == "category" else depth - 1
    schema_inference.set_tensor_schema_override(index, tf.constant(0, tf.int64), highest)
    return index


def with_null_index(cells: Cells, index: tf.Tensor, missing: str | None, null_index: Any) -> tf.Tensor:
    """Give nulls an index of their own if `missing` is "category"."""
    if missing != "category" or cells.present is None:
        return index
    return tf.where(cells.present, index, tf.cast(null_index, tf.int64))


def as_line(value: tf.Tensor) -> tf.Tensor:
    """Convert values to text of one line each, string of the same shape."""
    if value.dtype != tf.string:
        return tf.strings.as_string(value)
    return tf.strings.regex_replace(value, r"[\r\n]+", " ")


def vocabulary_name(output: str) -> str:
    """Return the name of the vocabulary of a model feature, under which TFTransformOutput finds it.

    TFT uses it as the name of a file and of a TensorFlow scope, which must be ASCII. Other characters are replaced, a
    long name is cut, and a digest keeps such names distinct.
    """
    plain = re.sub(r"\W", "_", output, flags=re.ASCII).lstrip("_")
    if plain == output and len(plain) <= NAME_BYTES:
        return output
    digest = hashlib.sha256(output.encode()).hexdigest()[:8]
    return f"{plain[: NAME_BYTES - 1 - len(digest)]}_{digest}".lstrip("_")
