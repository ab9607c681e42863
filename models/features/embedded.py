"""Role `embedded`: a value of a learned vocabulary as a trainable vector."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from spec.base import Word
from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """A value of a learned vocabulary, as a trainable vector."""

    types: ClassVar[tuple[str, ...]] = ("INT", "BYTES")
    vocabulary: ClassVar[bool] = True
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


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the index in the vocabulary; the network holds the vectors."""
    yield Output(name=f"{settings.column}_vector", kind="index", depth=0, dimension=settings.dimension)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Look the value up in the vocabulary of the train split, int64 (batch, 1)."""
    from models.transform_graph import vocabularies

    name = f"{settings.column}_vector"
    cells, text = vocabularies.read(columns, settings.column, settings.missing)
    index = vocabularies.learned(
        cells,
        text,
        name=name,
        size=settings.vocabulary_size,
        min_frequency=settings.min_frequency,
        num_oov=settings.oov,
        missing=settings.missing,
    )
    return {name: index}
