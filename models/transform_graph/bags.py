"""Bags of n-grams: weights of the most frequent terms of a text column."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from models.transform_graph import tokenizer
from models.transform_graph.raw_columns import Cells
from models.transform_graph.vocabularies import vocabulary_name


def bag(cells: Cells, *, null_text: str, ngrams: int, size: int, weight: str, name: str) -> tf.Tensor:
    """Compute the weight of each term of the vocabulary, in order of descending frequency in the train split.

    Args:
        cells: Texts, string (batch, 1).
        null_text: Replacement of nulls.
        ngrams: Maximum number of words of a term.
        size: Number of terms of the vocabulary.
        weight: "count": number of occurrences in the text; "binary": 1 if the text has the term; "tfidf": share of the
            text's terms, times 1 + ln((texts + 1) / (texts with the term + 1)), as tft.tfidf defines it.
        name: Name of the model feature.

    Returns:
        float32 (batch, size); the last columns are 0 if there are fewer terms.
    """
    train_terms = _terms(cells.not_null, ngrams)
    terms = _terms(tf.reshape(cells.fill(null_text), [-1]), ngrams)
    vocabulary = tft.vocabulary(train_terms.flat_values, top_k=size, vocab_filename=vocabulary_name(name))
    counts = _counts(terms, vocabulary, size)
    if weight == "count":
        return counts
    if weight == "binary":
        return tf.minimum(counts, 1.0)
    has_term = tf.cast(tf.minimum(_counts(train_terms, vocabulary, size), 1.0), tf.float64)
    texts = tft.sum(tf.ones_like(cells.not_null, tf.float64))
    rarity = 1.0 + tf.math.log((texts + 1.0) / (tft.sum(has_term, reduce_instance_dims=False) + 1.0))
    share = tf.math.divide_no_nan(counts, tf.cast(terms.row_lengths(), tf.float32)[:, tf.newaxis])
    return share * tf.cast(rarity, tf.float32)


def _terms(texts: tf.Tensor, longest: int) -> tf.RaggedTensor:
    """Return the n-grams of up to `longest` words of each text, joined by spaces, ragged string (batch, terms)."""
    return tf.strings.ngrams(tokenizer.split(texts), list(range(1, longest + 1)), separator=" ")


def _counts(terms: tf.RaggedTensor, vocabulary: Any, size: int) -> tf.Tensor:
    """Count each term of the vocabulary in each text, float32 (batch, size)."""
    index = tft.apply_vocabulary(terms.flat_values, vocabulary)
    in_vocabulary = index >= 0
    cell = tf.stack(
        [tf.boolean_mask(terms.value_rowids(), in_vocabulary), tf.boolean_mask(index, in_vocabulary)], axis=1
    )
    shape = tf.stack([terms.nrows(), tf.constant(size, tf.int64)])
    return tf.reshape(tf.scatter_nd(cell, tf.ones_like(cell[:, 0], tf.float32), shape), [-1, size])
