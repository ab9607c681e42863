"""Role `categorical`: a value of a given or learned vocabulary."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from spec.base import Word
from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """A value of a vocabulary that is given, or learned from the train split, most frequent first."""

    types: ClassVar[tuple[str, ...]] = ("INT", "BYTES")
    vocabulary: ClassVar[bool] = True
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
    """Replacement of null. category: a separate index, the last; drop: drop the row; any other text: this value.
    Unset: the column must be complete."""

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        if self.encode == "ordinal" and not self.categories:
            raise ValueError("encode = 'ordinal' needs categories = [...] in order")
        if self.categories and (self.vocabulary_size or self.min_frequency):
            raise ValueError("vocabulary_size and min_frequency have no effect with categories: remove them")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("categories lists a value twice")
        return self

    @property
    def num_oov(self) -> int:
        """Number of out-of-vocabulary buckets: `oov` or its default."""
        return self.oov if self.oov is not None else int(not self.categories)

    @property
    def depth(self) -> int:
        """Number of indices; 0 if only the train split tells it."""
        return len(self.categories) + self.num_oov + (self.missing == "category") if self.categories else 0


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the index in the vocabulary; out-of-vocabulary buckets follow it, the index of nulls is the last."""
    if settings.encode == "ordinal":
        yield Output(name=f"{settings.column}_order")
    else:
        yield Output(name=f"{settings.column}_index", kind="index", depth=settings.depth)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Return the index, int64 (batch, 1), or as float32 if ordinal."""
    import tensorflow as tf

    (output,) = outputs(settings)
    value = columns.once(index, settings)
    return {output.name: tf.cast(value, tf.float32) if settings.encode == "ordinal" else value}


def index(columns: Any, settings: Settings) -> Any:
    """Look the value up in the vocabulary, int64 (batch, 1)."""
    import tensorflow as tf

    from models.transform_graph import vocabularies

    cells, text = vocabularies.read(columns, settings.column, settings.missing)
    if not settings.categories:
        return vocabularies.learned(
            cells,
            text,
            name=f"{settings.column}_index",
            size=settings.vocabulary_size,
            min_frequency=settings.min_frequency,
            num_oov=settings.num_oov,
            missing=settings.missing,
        )
    position = vocabularies.lookup(text, settings.categories)
    if settings.num_oov:
        bucket = len(settings.categories) + tf.strings.to_hash_bucket_fast(text, settings.num_oov)
        position = tf.where(position >= 0, position, bucket)
    return vocabularies.with_null_index(cells, position, settings.missing, settings.depth - 1)
