"""Role `hashed`: a value hashed into buckets."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from spec.base import Word
from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """A value hashed into buckets, for more distinct values than a vocabulary should hold."""

    types: ClassVar[tuple[str, ...]] = ("INT", "BYTES")
    buckets: int = Field(ge=2, le=10_000_000)
    """Number of hash buckets."""
    dimension: int | None = Field(default=None, ge=1)
    """Length of the embedding vector. Unset: one-hot."""
    missing: Literal["category", "drop"] | Word | None = None
    """As for categorical."""

    @property
    def depth(self) -> int:
        """Number of buckets, including that of nulls."""
        return self.buckets + (self.missing == "category")


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the index of the bucket."""
    yield Output(name=f"{settings.column}_hash", kind="index", depth=settings.depth, dimension=settings.dimension)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Hash the value's text by FarmHash into a bucket, int64 (batch, 1); the bucket of nulls is the last."""
    import tensorflow as tf

    from models.transform_graph import vocabularies

    cells, text = vocabularies.read(columns, settings.column, settings.missing)
    bucket = tf.strings.to_hash_bucket_fast(text, settings.buckets)
    bucket = vocabularies.with_null_index(cells, bucket, settings.missing, settings.buckets)
    return {f"{settings.column}_hash": bucket}
