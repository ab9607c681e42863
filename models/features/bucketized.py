"""Role `bucketized`: a number cut into buckets, at quantiles of the train split or at given edges."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, FiniteFloat, model_validator

from spec.columns.role import ColumnRole, Output


class Settings(ColumnRole):
    """A number cut into buckets, at quantiles of the train split or at given edges."""

    types: ClassVar[tuple[str, ...]] = ("INT", "FLOAT")
    quantiles: int | None = Field(default=None, ge=2, le=10_000)
    """Number of buckets of about equal count."""
    edges: tuple[FiniteFloat, ...] | None = None
    """Ascending upper bounds, in the unit of the column; n edges give n + 1 buckets."""
    input: bool = True
    """false: only for a cross; the network does not receive the buckets themselves."""
    missing: Literal["mean", "median", "category", "drop"] | FiniteFloat | None = None
    """As for numeric; category: a separate bucket, the last."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Settings":
        if (self.quantiles is None) == (self.edges is None):
            raise ValueError("give either quantiles = N or edges = [...]")
        if self.edges is not None and (not self.edges or list(self.edges) != sorted(set(self.edges))):
            raise ValueError("edges must rise")
        return self

    @property
    def depth(self) -> int:
        """Number of buckets, including that of nulls."""
        buckets = self.quantiles if self.quantiles is not None else len(self.edges or ()) + 1
        return buckets + (self.missing == "category")


def outputs(settings: Settings) -> Iterator[Output]:
    """Yield the index of the bucket, one-hot for the network."""
    if settings.input:
        yield Output(name=f"{settings.column}_bucket", kind="index", depth=settings.depth)


def transform(columns: Any, settings: Settings) -> Mapping[str, Any]:
    """Return the index of the bucket, int64 (batch, 1), unless it is for crosses only."""
    value = columns.once(index, settings)
    return {output.name: value for output in outputs(settings)}


def index(columns: Any, settings: Settings) -> Any:
    """Return the index of the bucket, int64 (batch, 1); an edge belongs to the bucket above it."""
    import tensorflow as tf

    from models.transform_graph import numbers

    cells = numbers.not_nan(columns, settings.column, settings.missing)
    if settings.quantiles is not None:
        edges = numbers.quantile_edges(cells, settings.quantiles)
    else:
        edges = tf.constant(settings.edges, tf.float64)
    separate = settings.missing == "category"
    filled = cells.value if separate else numbers.fill(cells, settings.missing)
    is_float = columns[settings.column].dtype.is_floating or settings.quantiles is not None
    buckets = numbers.bucket_of(edges, filled, is_float)
    if separate and cells.present is not None:
        return tf.where(cells.present, buckets, tf.constant(settings.depth - 1, tf.int64))
    return buckets
