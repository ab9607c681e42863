"""Role `bucketized`: a number cut into buckets, at quantiles of the train split or at given edges."""

from collections.abc import Iterator, Mapping, Sequence
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
    return transform_all(columns, (settings,))


def transform_all(columns: Any, entries: Sequence[Settings]) -> Mapping[str, Any]:
    """Return the indices of the buckets of all entries, int64 (batch, 1) each; none for crosses only."""
    indices = columns.once(_indices, tuple(entries))
    return {output.name: indices[entry] for entry in entries for output in outputs(entry)}


def index(columns: Any, settings: Settings) -> Any:
    """Return the index of the bucket, int64 (batch, 1); an edge belongs to the bucket above it."""
    return columns.once(_indices, columns.features.of("bucketized"))[settings]


def _indices(columns: Any, entries: Sequence[Settings]) -> dict[Settings, Any]:
    """Compute the indices of the buckets, with one matrix for all columns of the same kind of edges."""
    groups: dict[tuple[bool, int | None], dict[str, Settings]] = {}
    for entry in entries:
        is_float = columns[entry.column].dtype.is_floating or entry.quantiles is not None
        groups.setdefault((is_float, entry.quantiles), {})[entry.column] = entry
    indices: dict[Settings, Any] = {}
    for (is_float, _), group in groups.items():
        indices |= _of_group(columns, group, is_float)
    return indices


def _of_group(columns: Any, entries: Mapping[str, Settings], is_float: bool) -> dict[Settings, Any]:
    """Compute the indices of columns that are all cut at the same number of quantiles, or all at given edges."""
    import tensorflow as tf

    from models.transform_graph import numbers

    rules = [numbers.Rule(entry.column, entry.missing) for entry in entries.values()]
    indices: dict[Settings, Any] = {}
    for block in numbers.blocks(columns, rules, infinite=True):
        entries_of_block = [entries[rule.column] for rule in block.rules]
        if entries_of_block[0].quantiles is not None:
            edges = numbers.quantile_edges(block, entries_of_block[0].quantiles)
        else:
            edges = tf.constant(_padded([entry.edges or () for entry in entries_of_block]), tf.float64)
        buckets = numbers.buckets_of(tf.cast(edges, tf.float32 if is_float else tf.float64), block.filled)
        if len({len(entry.edges or ()) for entry in entries_of_block}) > 1:
            # An infinite number is not below the padding either.
            buckets = tf.minimum(buckets, tf.constant([len(entry.edges or ()) for entry in entries_of_block], tf.int64))
        if block.present is not None and any(entry.missing == "category" for entry in entries_of_block):
            null_bucket = tf.constant([entry.depth - 1 for entry in entries_of_block], tf.int64)
            separate = tf.constant([entry.missing == "category" for entry in entries_of_block])
            buckets = tf.where(tf.logical_or(block.present, ~separate), buckets, null_bucket)
        indices |= dict(zip(entries_of_block, numbers.split(buckets), strict=True))
    return indices


def _padded(edges: Sequence[Sequence[float]]) -> list[list[float]]:
    """Pad lists of edges with infinity to one length."""
    length = max(map(len, edges))
    return [[*row, *[float("inf")] * (length - len(row))] for row in edges]
