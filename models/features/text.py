"""Role `text`: a text as a bag of n-grams."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """A text as a bag of n-grams of its lower-cased words, which consist of letters and digits.

    An emoji is a word; Chinese, Japanese, Thai and other scripts without spaces make pairs of characters.
    """

    types: ClassVar[tuple[str, ...]] = ("BYTES",)
    compared: ClassVar[bool] = False
    ngrams: int = Field(default=1, ge=1, le=5)
    """Longest sequence of words that counts as one term."""
    vocabulary_size: int = Field(default=1000, ge=1, le=100_000)
    """Number of terms to keep, the most frequent of the train split."""
    weight: Literal["count", "binary", "tfidf"] = "count"
    """Value of a term: how often it occurs, whether it occurs, or its share of the terms of the text times 1 +
    ln((texts + 1) / (texts with the term + 1))."""
    missing: Literal["drop"] | str | None = None
    """Replacement of null, such as "" for no words; drop: drop the row. Unset: the column must be complete."""


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the bag: one number a term."""
    yield Output(name=f"{settings.column}_bag", kind="bag", depth=settings.vocabulary_size)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Return the weight of each term, the most frequent of the train split first.

    Returns:
        float32 (batch, vocabulary_size); the last columns are 0 if there are fewer terms.
    """
    from models.transform_graph import bags

    name = f"{settings.column}_bag"
    cells = columns.cells(settings.column, settings.missing)
    bag = bags.bag(
        cells,
        null_text="" if settings.missing in (None, "drop") else settings.missing,
        ngrams=settings.ngrams,
        size=settings.vocabulary_size,
        weight=settings.weight,
        name=name,
    )
    return {name: bag}
