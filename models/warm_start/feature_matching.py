"""Matching of current features to those of an earlier model, number by number, with shift and scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]
NOWHERE = -1


@dataclass(frozen=True)
class Match:
    """Match of the numbers of a new vector to those of an old one: old[source] = scale * new + shift.

    Attributes:
        source: Index in the old vector, int64 (new width,); NOWHERE if it has no such number.
        scale: float64 (new width,).
        shift: float64 (new width,).
        stands_in: bool (new width,): the old vector has no number of this meaning, and treated such values as the
            number at `source`.
        width: Width of the old vector.
    """

    source: Array
    scale: Array
    shift: Array
    stands_in: Array
    width: int

    @classmethod
    def of(cls, source: Any, width: int, scale: Any = 1.0, shift: Any = 0.0, stands_in: Any = False) -> "Match":
        """Create a match; scale, shift and stands_in may be scalars that hold for all numbers."""
        source = np.asarray(source, np.int64)

        def each(value: Any, kind: Any) -> Array:
            return np.broadcast_to(np.asarray(value, kind), source.shape)

        return cls(source, each(scale, np.float64), each(shift, np.float64), each(stands_in, bool), width)

    @classmethod
    def same(cls, width: int) -> "Match":
        """Return the identity."""
        return cls.of(np.arange(width), width)

    @classmethod
    def none(cls, width: int) -> "Match":
        """Return a match without any matched number."""
        return cls.of(np.full(width, NOWHERE), 0)

    @property
    def is_same(self) -> bool:
        """Whether the match is the identity."""
        unchanged = (self.scale == 1.0).all() and (self.shift == 0.0).all() and not self.stands_in.any()
        return bool(unchanged and np.array_equal(self.source, np.arange(self.width)))

    @property
    def is_empty(self) -> bool:
        """Whether no number is matched."""
        return bool((self.source == NOWHERE).all())


def joined(parts: Sequence[tuple[Match, int]], width: int) -> Match:
    """Concatenate matches.

    Args:
        parts: Each match with the offset of its part in the old vector.
        width: Width of the old vector.
    """
    source = [np.where(part.source == NOWHERE, NOWHERE, part.source + start) for part, start in parts]
    return Match(
        np.concatenate(source),
        np.concatenate([part.scale for part, _ in parts]),
        np.concatenate([part.shift for part, _ in parts]),
        np.concatenate([part.stands_in for part, _ in parts]),
        width,
    )


def feature(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
    """Match one feature with the feature of the same name of an earlier model.

    Args:
        earlier: Meaning of the earlier feature, as returned by `feature_meanings.describe`.
        current: Meaning of the current feature.

    Returns:
        The match of its numbers, or of its one-hot indices; None if the meaning differs or is unknown.
    """
    if earlier["kind"] != current["kind"]:
        return None
    matcher = _MATCHERS.get(current["kind"])
    return matcher(earlier, current) if matcher is not None else None


def _number(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
    if earlier["of"] != current["of"]:
        return None
    if earlier["scale"] is None:
        # The feature was 0 in every row, so its weights were never trained.
        return Match.none(1)
    # A column that is constant now has no scale, and its feature is 0.
    scale = 0.0 if current["scale"] is None else current["scale"] / earlier["scale"]
    return Match.of([0], 1, scale, (current["shift"] - earlier["shift"]) / earlier["scale"])


def _tokens(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
    positions = {token: position for position, token in enumerate(earlier["tokens"])}
    oov_start = len(earlier["tokens"])
    if any(
        len(meaning["tokens"]) + meaning["oov"] + meaning["missing"] != meaning["depth"]
        for meaning in (earlier, current)
    ):
        return None
    source = [positions.get(token, NOWHERE) for token in current["tokens"]]
    unknown = [position for position, match in enumerate(source) if match == NOWHERE]
    if unknown and earlier["oov"]:
        texts = [current["tokens"][position].encode("utf-8", "surrogateescape") for position in unknown]
        buckets = tf.strings.to_hash_bucket_fast(tf.constant(texts), earlier["oov"]).numpy()
        for position, bucket in zip(unknown, buckets, strict=True):
            source[position] = oov_start + int(bucket)
    stands_in = [position in set(unknown) for position in range(len(source))]
    for bucket in range(current["oov"]):
        source.append(oov_start + bucket % earlier["oov"] if earlier["oov"] else NOWHERE)
        stands_in.append(earlier["oov"] != current["oov"])
    if current["missing"]:
        source.append(earlier["depth"] - 1 if earlier["missing"] else NOWHERE)
        stands_in.append(False)
    return Match.of(source, earlier["depth"], stands_in=stands_in)


def _buckets(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match:
    source = list(_places(earlier["edges"], current["edges"]))
    if current["missing"]:
        source.append(earlier["depth"] - 1 if earlier["missing"] else NOWHERE)
    return Match.of(source, earlier["depth"])


def _places(earlier_edges: Sequence[float], current_edges: Sequence[float]) -> Array:
    """Find the earlier bucket that contains the middle of each current bucket, int64 (number of current buckets,).

    An outer bucket is treated as being as wide as its neighbour.
    """
    edges = np.array(current_edges, np.float64)
    finite = edges[np.isfinite(edges)]
    if not len(finite):
        return np.zeros(len(edges) + 1, np.int64)
    first_half_width, last_half_width = (
        np.diff(finite)[[0, -1]] / 2 if len(finite) > 1 else (np.abs(finite[0]) / 2 + 0.5,) * 2
    )
    middles = np.concatenate(
        [[finite[0] - first_half_width], (finite[:-1] + finite[1:]) / 2, [finite[-1] + last_half_width]]
    )
    places = np.searchsorted(np.array(earlier_edges, np.float64), middles, side="right")
    return np.concatenate([places, np.full(len(edges) + 1 - len(places), places[-1])])


def _cells(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
    if len(earlier["parts"]) != len(current["parts"]):
        return None
    cell = np.zeros(1, np.int64)
    for earlier_part, current_part in zip(earlier["parts"], current["parts"], strict=True):
        part = _buckets(earlier_part, current_part).source
        cell = np.where(
            (cell[:, None] < 0) | (part < 0), NOWHERE, cell[:, None] * earlier_part["depth"] + part
        ).reshape(-1)
    last_cells = np.full(current["depth"] - len(cell), NOWHERE)
    return Match.of(np.concatenate([cell, last_cells]), earlier["depth"])


def _equal(*keys: str) -> Any:
    """Return a matcher of features that are identical if these keys are equal."""

    def match(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
        is_equal = all(earlier.get(key) == current.get(key) for key in keys)
        return Match.same(int(current["depth"])) if is_equal and earlier.get("depth") == current.get("depth") else None

    return match


def _hash(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
    if earlier["buckets"] != current["buckets"]:
        return None
    null_bucket = [earlier["depth"] - 1 if earlier["missing"] else NOWHERE] if current["missing"] else []
    return Match.of([*range(current["buckets"]), *null_bucket], earlier["depth"])


def _bag(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
    if earlier["weight"] != current["weight"] or (
        current["weight"] == "tfidf" and earlier["ngrams"] != current["ngrams"]
    ):
        return None
    positions = {term: position for position, term in enumerate(earlier["terms"])}
    source = np.full(current["width"], NOWHERE)
    scale = np.ones(current["width"])
    for position, term in enumerate(current["terms"]):
        source[position] = positions.get(term, NOWHERE)
        if current["weight"] == "tfidf" and source[position] != NOWHERE:
            scale[position] = earlier["rarity"][source[position]] / current["rarity"][position]
    return Match.of(source, earlier["width"], scale)


def _image(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
    return Match.same(int(np.prod(current["shape"]))) if earlier["shape"] == current["shape"] else None


def _user_feature(earlier: Mapping[str, Any], current: Mapping[str, Any]) -> Match | None:
    is_equal = earlier["graph"] == current["graph"] and earlier["width"] == current["width"]
    return Match.same(current["width"]) if is_equal else None


_MATCHERS = {
    "number": _number,
    "tokens": _tokens,
    "buckets": _buckets,
    "cells": _cells,
    "cross": _equal("buckets", "parts"),
    "part": _equal("part"),
    "hash": _hash,
    "bag": _bag,
    "image": _image,
    "own": _user_feature,
}
