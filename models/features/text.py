"""Words of a text as a bag of n-grams."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from models.features import raw_columns, tokenizer
from models.features.categorical import vocabulary_name
from spec.columns import role_kinds as kinds


def text(raw: Any, role: kinds.Text) -> tf.Tensor:
    """One number a term of the vocabulary, the most frequent terms of the train split first.

    count: how often the text has the term; binary: whether; tfidf: its share of the text's terms, times
    1 + ln((texts + 1) / (texts with the term + 1)), as tft.tfidf has it.

    Returns:
        float32 (batch, vocabulary_size); the last columns are 0 where there are fewer terms.
    """
    made = raw_columns.read(raw, role.column, role.missing)
    there = _terms(made.there, role.ngrams)
    filled = made.fill("" if role.missing in raw_columns.NO_RULE else role.missing)
    terms = _terms(tf.reshape(filled, [-1]), role.ngrams)
    vocabulary = tft.vocabulary(
        there.flat_values, top_k=role.vocabulary_size, vocab_filename=vocabulary_name(f"{role.column}_bag")
    )
    counts = _counts(terms, vocabulary, role.vocabulary_size)
    if role.weight == "count":
        return counts
    if role.weight == "binary":
        return tf.minimum(counts, 1.0)
    seen = tf.cast(tf.minimum(_counts(there, vocabulary, role.vocabulary_size), 1.0), tf.float64)
    texts = tft.sum(tf.ones_like(made.there, tf.float64))
    rarity = 1.0 + tf.math.log((texts + 1.0) / (tft.sum(seen, reduce_instance_dims=False) + 1.0))
    share = tf.math.divide_no_nan(counts, tf.cast(terms.row_lengths(), tf.float32)[:, tf.newaxis])
    return share * tf.cast(rarity, tf.float32)


def _terms(texts: tf.Tensor, longest: int) -> tf.RaggedTensor:
    """Runs of up to `longest` words of each text, (batch,), joined by blanks."""
    return tf.strings.ngrams(tokenizer.split(texts), list(range(1, longest + 1)), separator=" ")


def _counts(terms: tf.RaggedTensor, vocabulary: Any, size: int) -> tf.Tensor:
    """float32 (batch, size): how often each term of the vocabulary stands in each text."""
    place = tft.apply_vocabulary(terms.flat_values, vocabulary)
    known = place >= 0
    cell = tf.stack([tf.boolean_mask(terms.value_rowids(), known), tf.boolean_mask(place, known)], axis=1)
    shape = tf.stack([terms.nrows(), tf.constant(size, tf.int64)])
    return tf.reshape(tf.scatter_nd(cell, tf.ones_like(cell[:, 0], tf.float32), shape), [-1, size])
