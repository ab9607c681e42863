"""Each role that a column can play: its keys, and the model features that it makes. Plain Python, no TensorFlow."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, model_validator

from spec.base import Strict, Word

DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
"""How a date is written, as a regular expression that RE2 reads too; that the month has the day is checked apart."""
DATE_PARTS = {"year": 0, "month": 12, "day": 31, "day_of_week": 7, "hour": 24, "days": 0}
"""Part of a date -> number of its values when it is one-hot encoded, or 0 where it is a number."""


class Output(Strict):
    """One model feature that the transformation produces.

    number: float32 (batch, 1). index: int64 (batch, 1) in [0, depth), which the network sees one-hot or, with
    `dimension`, as a learnt vector; -1 is a row of zeros. bag: float32 (batch, depth). image: float32
    (batch, *shape) in [0, 1].
    """

    name: str
    kind: Literal["number", "index", "bag", "image"] = "number"
    depth: int | None = None
    """Number of an index's values, or width of a bag; 0 means that only the transformed data tells it."""
    dimension: int | None = None
    """Length of the learnt vector of an index; None for one-hot."""
    shape: tuple[int, ...] = ()
    """Height, width and channels of an image."""


class Role(Strict):
    """Base of all roles of one column."""

    column: str
    """Name of the raw column."""

    def columns(self) -> Iterator[str]:
        """The raw columns it reads."""
        yield self.column


class Numeric(Role):
    """A number, scaled with statistics of the train split."""

    scale: Literal["z_score", "min_max", "unit", "log1p", "none"] = "z_score"
    """z_score: mean 0, variance 1; min_max: 0 to 1; unit: divided by the largest absolute value; log1p: ln(1 + x) with
    negative numbers as 0, then z_score; none: unchanged."""
    clip: tuple[FiniteFloat, FiniteFloat] | None = None
    """Lowest and highest value, in the unit of the column; values beyond are set to them before anything else. A
    constant for nulls is not clipped."""
    missing: Literal["mean", "median", "drop"] | FiniteFloat | None = None
    """Replacement of null: mean or median of the train split, a constant, or drop the row. Unset: the column must be
    complete."""

    @model_validator(mode="after")
    def _clip_rises(self) -> "Numeric":
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise ValueError("clip must be [lowest, highest]")
        return self

    def outputs(self) -> Iterator[Output]:
        """The number itself."""
        yield Output(name=self.column)


class Bucketized(Role):
    """A number cut into buckets, at quantiles of the train split or at given edges."""

    quantiles: int | None = Field(default=None, ge=2, le=10_000)
    """Number of buckets of about equal count."""
    edges: tuple[FiniteFloat, ...] | None = None
    """Ascending upper bounds, in the unit of the column; n edges give n + 1 buckets."""
    input: bool = True
    """false: only for a cross; the network does not receive the buckets themselves."""
    missing: Literal["mean", "median", "category", "drop"] | FiniteFloat | None = None
    """As for numeric; category: a bucket of its own, the last."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Bucketized":
        if (self.quantiles is None) == (self.edges is None):
            raise ValueError("give either quantiles = N or edges = [...]")
        if self.edges is not None and (not self.edges or list(self.edges) != sorted(set(self.edges))):
            raise ValueError("edges must rise")
        return self

    @property
    def depth(self) -> int:
        """Number of buckets, that of missing values included."""
        buckets = self.quantiles if self.quantiles is not None else len(self.edges or ()) + 1
        return buckets + (self.missing == "category")

    def outputs(self) -> Iterator[Output]:
        """The bucket's index, one-hot for the network."""
        if self.input:
            yield Output(name=f"{self.column}_bucket", kind="index", depth=self.depth)


class Categorical(Role):
    """A value of a vocabulary that is given, or learned from the train split, most frequent first."""

    encode: Literal["one_hot", "ordinal"] = "one_hot"
    """ordinal: position in `categories`, from 0, as a number."""
    categories: tuple[Word, ...] = ()
    """The vocabulary in order. Empty: learned from the train split."""
    oov: int | None = Field(default=None, ge=0, le=10_000)
    """Number of buckets for out-of-vocabulary values; 0: such a value is a row of zeros, or -1 if ordinal. Unset: 1 for
    a learned vocabulary, 0 for a given one."""
    vocabulary_size: int | None = Field(default=None, ge=1)
    """Keep the N most frequent values only."""
    min_frequency: int | None = Field(default=None, ge=1)
    """Keep only values that occur at least this often."""
    missing: Literal["category", "drop"] | Word | None = None
    """Replacement of null. category: an index of its own, the last; drop: drop the row; any other text: this value.
    Unset: the column must be complete."""

    @model_validator(mode="after")
    def _fits(self) -> "Categorical":
        if self.encode == "ordinal" and not self.categories:
            raise ValueError("encode = 'ordinal' needs categories = [...] in order")
        if self.categories and (self.vocabulary_size or self.min_frequency):
            raise ValueError("vocabulary_size and min_frequency do nothing where categories are given: take them out")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("a value stands twice in categories")
        return self

    @property
    def num_oov(self) -> int:
        """Number of buckets for values that the vocabulary lacks, as `oov` says or leaves open."""
        return self.oov if self.oov is not None else int(not self.categories)

    @property
    def depth(self) -> int:
        """Number of indices; 0 where only the training split tells it."""
        return len(self.categories) + self.num_oov + (self.missing == "category") if self.categories else 0

    def outputs(self) -> Iterator[Output]:
        """The index in the vocabulary; out-of-vocabulary buckets after it, a missing value's own last."""
        if self.encode == "ordinal":
            yield Output(name=f"{self.column}_order")
        else:
            yield Output(name=f"{self.column}_index", kind="index", depth=self.depth)


class Hashed(Role):
    """A value hashed into buckets, for more distinct values than a vocabulary should hold."""

    buckets: int = Field(ge=2, le=10_000_000)
    """Number of hash buckets."""
    dimension: int | None = Field(default=None, ge=1)
    """Length of the embedding vector. Unset: one-hot."""
    missing: Literal["category", "drop"] | Word | None = None
    """As for categorical."""

    @property
    def depth(self) -> int:
        """Number of buckets, that of missing values included."""
        return self.buckets + (self.missing == "category")

    def outputs(self) -> Iterator[Output]:
        """The bucket's index."""
        yield Output(name=f"{self.column}_hash", kind="index", depth=self.depth, dimension=self.dimension)


class Embedded(Role):
    """A value of a learned vocabulary, as a trainable vector."""

    dimension: int = Field(ge=1, le=4096)
    """Length of the embedding vector."""
    oov: int = Field(default=1, ge=1, le=10_000)
    """Number of buckets for out-of-vocabulary values."""
    vocabulary_size: int | None = Field(default=None, ge=1)
    """Keep the N most frequent values only."""
    min_frequency: int | None = Field(default=None, ge=1)
    """Keep only values that occur at least this often."""
    missing: Literal["category", "drop"] | Word | None = None
    """As for categorical."""

    def outputs(self) -> Iterator[Output]:
        """The index in the vocabulary."""
        yield Output(name=f"{self.column}_vector", kind="index", depth=0, dimension=self.dimension)


class Crossed(Strict):
    """A cross of two or more bucketized or categorical columns, or the product of two or more numbers."""

    columns_: Annotated[tuple[str, ...], Field(alias="columns", min_length=2)]
    """Columns to cross; each is also listed under bucketized or categorical, or, for a product, under numeric or
    passthrough."""
    buckets: int | None = Field(default=None, ge=2, le=10_000_000)
    """Size of the cross. A cross of bucketized columns that fits is exact; any other is hashed into this many
    buckets."""
    product: bool = False
    """The product of the raw numbers of the columns, z-scored: x3 = x1 · x2."""

    @model_validator(mode="after")
    def _one_kind(self) -> "Crossed":
        if (self.buckets is None) != self.product:
            raise ValueError("give either buckets = N or product = true")
        return self

    def outputs(self) -> Iterator[Output]:
        """The cell's index, or the product."""
        name = "_x_".join(self.columns_)
        yield Output(name=name) if self.product else Output(name=name, kind="index", depth=self.buckets)

    def columns(self) -> Iterator[str]:
        """The raw columns it reads."""
        yield from self.columns_


class Text(Role):
    """Words of a text, lower-cased and cut at what is neither letter, digit nor emoji, as a bag of n-grams.

    An emoji is a word of its own; Chinese, Japanese, Thai and other scripts without blanks make pairs of characters.
    """

    ngrams: int = Field(default=1, ge=1, le=5)
    """Longest sequence of words that counts as one term."""
    vocabulary_size: int = Field(default=1000, ge=1, le=100_000)
    """Number of terms to keep, the most frequent of the train split."""
    weight: Literal["count", "binary", "tfidf"] = "count"
    """Value of a term: how often it occurs, whether it occurs, or its share of the terms of the text times 1 +
    ln((texts + 1) / (texts with the term + 1))."""
    missing: Literal["drop"] | str | None = None
    """Replacement of null, such as "" for no words; drop: drop the row. Unset: the column must be complete."""

    def outputs(self) -> Iterator[Output]:
        """One number a term."""
        yield Output(name=f"{self.column}_bag", kind="bag", depth=self.vocabulary_size)


class Image(Role):
    """An encoded PNG or JPEG image, decoded, resized and scaled to 0..1 in the transform graph."""

    column: str = "image"
    """Name of the raw column."""
    height: int = Field(ge=1, le=4096)
    """Height in pixels after resizing."""
    width: int = Field(ge=1, le=4096)
    """Width in pixels after resizing."""
    channels: Literal[1, 3] = 1
    """1: grey; 3: red, green, blue."""

    def outputs(self) -> Iterator[Output]:
        """The picture."""
        yield Output(name=f"{self.column}_pixels", kind="image", shape=(self.height, self.width, self.channels))


class Date(Role):
    """A date written YYYY-MM-DD, with or without a time of day, split into parts."""

    parts: tuple[Literal["year", "month", "day", "day_of_week", "hour", "days"], ...] = ("year", "month", "day_of_week")
    """year and days (since 1970-01-01) are z-scored numbers, the others one-hot; day_of_week counts from Monday; hour
    is that of the time of day as written, 0 without one."""
    missing: Literal["drop"] | str | None = None
    """Date that replaces null; drop: drop the row. Unset: the column must be complete."""

    @model_validator(mode="after")
    def _stand_in_is_a_date(self) -> "Date":
        if self.missing not in (None, "drop") and not re.match(DATE, str(self.missing)):
            raise ValueError('missing must be a date written YYYY-MM-DD, or "drop"')
        return self

    def outputs(self) -> Iterator[Output]:
        """One feature for each part."""
        for part in self.parts:
            depth = DATE_PARTS[part] or None
            yield Output(name=f"{self.column}_{part}", kind="index" if depth else "number", depth=depth)


class Passthrough(Role):
    """A number that the network receives unchanged."""

    missing: Literal["mean", "median", "drop"] | FiniteFloat | None = None
    """As for numeric."""

    def outputs(self) -> Iterator[Output]:
        """The number itself."""
        yield Output(name=self.column)


Entry = Numeric | Bucketized | Categorical | Hashed | Embedded | Crossed | Text | Image | Date | Passthrough
"""Any entry of [features]."""
